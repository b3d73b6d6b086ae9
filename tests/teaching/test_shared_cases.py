"""The same images in two quizzes, or in a quiz and a study: neither tells what the other still asks."""

from __future__ import annotations

import pytest

from core.errors import BlindingError
from core.review import Store
from core.teaching import attempts, blinding, builtin, quizzes, results, studies
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Rules, TeachingError, Verify
from core.teaching.studies import Arm, Plan
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
