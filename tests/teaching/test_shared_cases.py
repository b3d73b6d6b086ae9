"""The same images in two quizzes, or in a quiz and a study: neither tells what the other still asks."""

from __future__ import annotations

import pytest

from core.errors import BlindingError
from core.review import Store
from core.review.tables import ItemScore
from core.teaching import advice, attempts, blinding, builtin, certificates, classroom, quizzes, results, studies
from core.teaching.figures import by_case, first_answers
from core.teaching.plans import Arm, Plan
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Models, Rules, Stage, TeachingError, Verify
from tests.teaching import school

LATE = Rules(verify=Verify.AT_END, shuffle=False)
ONCE = Rules(verify=Verify.AT_ONCE, shuffle=False)
LABELS = ["tumour", "no tumour"]


def _drafts(seed: int = 7, each: int = 1) -> list[ItemDraft]:
    return builtin.simulated(school.SYSTEM, LABELS * each, seed)


def _quiz(store: Store, rules: Rules, *drafts: ItemDraft) -> int:
    course = quizzes.add_course(store, school.teacher(store), "Course")
    return quizzes.add_quiz(store, school.teacher(store), course.id or 0, "Quiz", drafts, rules).id or 0


def test_a_case_that_waits_in_one_quiz_is_left_out_of_the_next(store: Store) -> None:
    late = _quiz(store, LATE, *_drafts())
    once = _quiz(store, ONCE, *_drafts(), *_drafts(8))
    who, other = school.learner(store), school.learner(store, "other")
    first = school.begun(store, late, who)
    school.say(store, who, first)  # answered, but its truth comes at the end
    second = attempts.begin(store, who, once)
    fresh = [item.id for item in quizzes.items_for(store, 1, once)][2:]
    assert second.sequence == fresh
    assert len(attempts.begin(store, other, once).sequence) == 4  # nobody else is held up
    for _ in fresh:
        school.say(store, who, second.id or 0)
    with pytest.raises(BlindingError):
        blinding.truth(store, who, first, attempts.attempt(store, who, first).sequence[0])
    assert {row.item.id for row in results.of_learner(store, who)} == set(fresh)
    school.say(store, who, first)
    assert len(attempts.begin(store, who, once).sequence) == 4


def test_a_quiz_of_nothing_else_is_not_begun(sqlite_store: Store) -> None:
    store = sqlite_store
    late, once, who = _quiz(store, LATE, *_drafts()), _quiz(store, ONCE, *_drafts()), school.learner(store)
    school.begun(store, late, who)
    with pytest.raises(TeachingError, match="another quiz or study"):
        attempts.begin(store, who, once)


def test_what_comes_back_waits_while_the_quiz_is_taken_once_more(sqlite_store: Store) -> None:
    store = sqlite_store
    late, who = _quiz(store, LATE, *_drafts()), school.learner(store)
    first = school.begun(store, late, who)
    missed = school.say(store, who, first, finding=False).item_id
    school.say(store, who, first)
    school.begun(store, late, who)
    with pytest.raises(TeachingError, match="No case"):
        attempts.begin(store, who, late, [missed])


def test_a_study_and_a_quiz_of_the_same_cases_exclude_each_other(store: Store) -> None:
    plan = Plan((Arm.UNAIDED, Arm.CONCURRENT), readers=2)
    study = studies.make(store, school.teacher(store), "Study", _drafts(each=2), plan).id or 0
    once = _quiz(store, ONCE, *_drafts(each=2))
    who, other = school.learner(store), school.learner(store, "other")
    studies.join(store, who, study)
    with pytest.raises(TeachingError, match="another quiz or study"):
        attempts.begin(store, who, once)
    attempt = school.begun(store, once, other)
    with pytest.raises(TeachingError, match="Finish that quiz first"):
        studies.join(store, other, study)
    for _ in range(4):
        school.say(store, other, attempt)
    studies.join(store, other, study)
    studies.close(store, school.teacher(store), study)
    assert len(attempts.begin(store, who, once).sequence) == 4


def test_the_same_cases_later_with_the_models_tell_gained_lost_and_followed(sqlite_store: Store) -> None:
    store = sqlite_store
    alone = _quiz(store, Rules(models=Models.NEVER, shuffle=False), *_drafts(each=2))
    later = _quiz(store, Rules(models=Models.AT_ONCE, shuffle=False), *_drafts(each=2))
    who = school.learner(store)
    items = quizzes.items_for(store, 1, later)
    said = [True, False, False, True]  # alone, of the four cases in their order
    first = school.begun(store, alone, who)
    for finding in said:
        school.say(store, who, first, finding)
    second = school.begun(store, later, who)
    for _ in items:
        assert school.next_task(store, who, second).stage is Stage.ADVISED
        school.say(store, who, second, finding=True)
    advice.keep(
        store,
        [
            ItemScore(
                item_id=item.id or 0, model="unet", title="U-Net", weights_sha256="a" * 64, finding=0.9, threshold=0.5
            )
            for item in items
        ],
    )
    rows = results.of_learner(store, who)
    found = advice.reliance(rows, advice.majority(advice.scores(store, rows)))
    assert found is not None
    one, cases = found
    truth = [item.finding for item in items]
    lost = sum(not true and not finding for true, finding in zip(truth, said, strict=True))
    gained = sum(true and not finding for true, finding in zip(truth, said, strict=True))
    assert (cases, one.gained, one.lost, one.followed) == (
        4,
        gained,
        lost,
        lost,
    )  # the models said finding
    mine = results.of_quiz(store, 1, later)
    assert [row.right for row in first_answers(mine, Stage.ADVISED)] == truth
    assert {case.position: case.right.value for case in by_case(mine, Stage.ADVISED)} == dict(enumerate(truth))
    assert [tally.answers for tally in classroom.live(store, 1, later).tallies] == [1] * 4
    with pytest.raises(TeachingError, match="models in sight"):
        certificates.of_attempt(store, who, second, "Ann")
    assert certificates.of_attempt(store, who, first, "Ann").figures.n == 4
    assert certificates.finished_courses(store, who) == [quizzes.quiz(store, alone).course_id]
