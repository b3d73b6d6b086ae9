"""Answering a quiz, in SQLite and PostgreSQL: final answers, one's own order, nothing lost, nothing told too early."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.errors import AlreadyLockedError, BlindingError, NotAllowedError, NotFoundError
from core.review import Role, Store
from core.review import Stage as OpinionStage
from core.review.trail import verify
from core.teaching import attempts, blinding, learners, quizzes, results
from core.teaching.given import Given
from core.teaching.rules import Models, Rules, Stage, TeachingError, Verify
from dashboard.learn.form import QuizForm
from tests.review.casebook import person
from tests.teaching import school


def test_from_the_first_case_to_the_last(store: Store) -> None:
    quiz, who = school.quiz(store), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    truths = {item.id: item.finding for item in quizzes.items_for(store, school.teacher(store), quiz.id or 0)}
    for number in range(4):
        task = school.next_task(store, who, attempt)
        assert (task.place, task.total) == (number + 1, 4)
        with pytest.raises(BlindingError):
            blinding.truth(store, who, attempt, task.item)
        school.say(store, who, attempt, finding=True)
        shown = blinding.truth(store, who, attempt, task.item)
        assert shown.item.finding is shown.material.finding is truths[task.item]
    assert attempts.task(store, who, attempt) is None
    assert attempts.attempt(store, who, attempt).finished is not None
    rows = results.of_learner(store, who)
    assert [row.right for row in rows] == [truths[row.item.id] for row in rows]
    assert verify(store).ok, verify(store).reason


def test_an_answer_given_twice_changes_nothing_and_says_so(store: Store) -> None:
    quiz, who = school.quiz(store), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    first = school.say(store, who, attempt, finding=True, confidence=90)
    again = Given(False, "no tumour", 60)
    with pytest.raises(AlreadyLockedError, match="first answer stands"):
        attempts.answer(store, who, attempt, first.item_id, Stage.ALONE, again)
    (kept,) = blinding.truth(store, who, attempt, first.item_id).answers
    assert (kept.finding, kept.confidence) == (True, 90)
    for statement in ("UPDATE quiz_answers SET finding = NOT finding", "DELETE FROM quiz_answers"):
        with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as raw:
            raw.execute(text(statement))


def test_a_truth_changed_behind_its_back_is_noticed(sqlite_store: Store) -> None:
    school.quiz(sqlite_store)
    with sqlite_store.engine.begin() as raw:
        raw.execute(text("UPDATE quiz_items SET finding = NOT finding WHERE id = 2"))
    assert "quiz_items row 2" in verify(sqlite_store).reason


def test_a_reload_finds_the_case_the_draft_and_the_clock_again(store: Store) -> None:
    quiz, who = school.quiz(store, Rules(seconds=60)), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    before = school.next_task(store, who, attempt)
    attempts.save(store, who, before, {"finding": True, "confidence": 70})
    assert school.begun(store, quiz.id, who) == attempt
    after = school.next_task(store, who, attempt)
    assert (after.item, after.started, dict(after.content)) == (
        before.item,
        before.started,
        {"finding": True, "confidence": 70},
    )
    later = before.started + datetime.timedelta(seconds=45)
    assert after.seconds_left(later) == pytest.approx(15)


def test_time_that_ran_out_counts_as_missed(sqlite_store: Store) -> None:
    quiz, who = school.quiz(sqlite_store, Rules(seconds=60)), school.learner(sqlite_store)
    attempt = school.begun(sqlite_store, quiz.id, who)
    school.next_task(sqlite_store, who, attempt)
    early = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=90)
    with sqlite_store.engine.begin() as raw:
        raw.execute(text("UPDATE quiz_drafts SET started = :t"), {"t": early.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    assert school.say(sqlite_store, who, attempt).late
    assert school.say(sqlite_store, who, attempt, None, None).late
    assert not school.say(sqlite_store, who, attempt).late
    late, silent, _ = results.of_learner(sqlite_store, who)
    assert (late.points, late.right, silent.points, silent.right) == (0, False, 0, False)


def test_what_is_said_after_the_time_is_not_kept(sqlite_store: Store) -> None:
    quiz, who = school.quiz(sqlite_store, Rules(seconds=60)), school.learner(sqlite_store)
    attempt = school.begun(sqlite_store, quiz.id, who)
    task = school.next_task(sqlite_store, who, attempt)
    form = QuizForm(sqlite_store, 1, who, OpinionStage.BLIND, task.started, task=task)
    form.change(finding=True, label="tumour", confidence=70)
    over = replace(task, started=task.started - datetime.timedelta(seconds=64))
    attempts.save(sqlite_store, who, over, {"finding": False, "label": "no tumour", "confidence": 100})
    late = QuizForm(sqlite_store, 1, who, OpinionStage.BLIND, over.started, dict(form.content), task=over)
    late.change(finding=False, label="no tumour", confidence=100)
    kept = school.next_task(sqlite_store, who, attempt).content
    assert (kept["finding"], kept["label"], kept["confidence"]) == (True, "tumour", 70)
    assert (late.given().finding, late.given().label, late.given().confidence) == (True, "tumour", 70)


def test_every_learner_has_an_order_of_their_own_that_a_seed_repeats(sqlite_store: Store) -> None:
    quiz = school.quiz(sqlite_store, labels=["tumour", "no tumour"] * 5)
    orders = []
    for name in ("ann", "bea", "cem"):
        who = school.learner(sqlite_store, name)
        attempt = attempts.attempt(sqlite_store, who, school.begun(sqlite_store, quiz.id, who))
        orders.append(tuple(attempt.sequence))
    assert len(set(orders)) == 3
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(orders[0]))}
    plain = school.quiz(sqlite_store, Rules(shuffle=False), seed=8)
    who = school.learner(sqlite_store, "ann")
    attempt = attempts.attempt(sqlite_store, who, school.begun(sqlite_store, plain.id, who))
    items = quizzes.items_for(sqlite_store, 1, plain.id or 0)
    assert attempt.sequence == [item.id for item in items]


def test_at_the_end_means_at_the_end(store: Store) -> None:
    quiz, who = school.quiz(store, Rules(verify=Verify.AT_END)), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    for _ in range(3):
        given = school.say(store, who, attempt)
        with pytest.raises(BlindingError):
            blinding.truth(store, who, attempt, given.item_id)
        assert results.of_learner(store, who) == []
    last = school.say(store, who, attempt)
    assert blinding.truth(store, who, attempt, last.item_id).place == 4
    assert len(results.of_learner(store, who)) == 4


def test_with_models_for_a_second_answer_they_come_after_the_first_and_the_truth_after_both(store: Store) -> None:
    quiz, who = school.quiz(store, Rules(models=Models.SECOND)), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    item = school.next_task(store, who, attempt).item
    with pytest.raises(BlindingError):
        blinding.scores(store, who, attempt, item)
    school.say(store, who, attempt, finding=False)
    task = school.next_task(store, who, attempt)
    assert (task.item, task.stage) == (item, Stage.ADVISED)
    assert blinding.scores(store, who, attempt, item) == []
    with pytest.raises(BlindingError):
        blinding.truth(store, who, attempt, item)
    school.say(store, who, attempt, finding=True)
    assert [a.finding for a in blinding.truth(store, who, attempt, item).answers] == [False, True]


@pytest.mark.parametrize(
    ("models", "allowed"), [(Models.NEVER, False), (Models.WITH_TRUTH, True)], ids=["never", "with the truth"]
)
def test_models_are_shown_as_the_rules_say(sqlite_store: Store, models: Models, allowed: bool) -> None:
    quiz, who = school.quiz(sqlite_store, Rules(models=models)), school.learner(sqlite_store)
    attempt = school.begun(sqlite_store, quiz.id, who)
    item = school.next_task(sqlite_store, who, attempt).item
    assert not blinding.models_allowed(sqlite_store, who, attempt, item)
    school.say(sqlite_store, who, attempt)
    assert blinding.models_allowed(sqlite_store, who, attempt, item) is allowed


def test_cases_are_answered_in_their_order(sqlite_store: Store) -> None:
    quiz, who = school.quiz(sqlite_store), school.learner(sqlite_store)
    attempt = school.begun(sqlite_store, quiz.id, who)
    last = attempts.attempt(sqlite_store, who, attempt).sequence[-1]
    with pytest.raises(BlindingError, match="Another case"):
        attempts.answer(sqlite_store, who, attempt, last, Stage.ALONE, Given(True, "tumour", 90))


def test_nothing_of_one_student_is_seen_by_another(store: Store) -> None:
    quiz = school.quiz(store)
    ann, bea = school.learner(store, "ann"), school.learner(store, "bea")
    attempt = school.begun(store, quiz.id, ann)
    given = school.say(store, ann, attempt)
    for ask in (
        lambda: attempts.attempt(store, bea, attempt),
        lambda: attempts.task(store, bea, attempt),
        lambda: blinding.truth(store, bea, attempt, given.item_id),
        lambda: blinding.images(store, bea, attempt, given.item_id),
        lambda: blinding.scores(store, bea, attempt, given.item_id),
    ):
        with pytest.raises(NotFoundError):
            ask()
    assert results.of_learner(store, bea) == []
    assert results.of_class(store, bea) == []
    student = person(store, "ann", Role.STUDENT)
    for teachers in (results.of_quiz, quizzes.items_for):
        with pytest.raises(NotAllowedError):
            teachers(store, student, quiz.id or 0)


def test_another_teachers_quiz_stays_that_teachers(sqlite_store: Store) -> None:
    quiz = school.quiz(sqlite_store)
    other = person(sqlite_store, "other", Role.TEACHER)
    with pytest.raises(NotAllowedError, match="another teacher"):
        results.of_quiz(sqlite_store, other, quiz.id or 0)


def test_a_class_joins_with_its_code_and_each_guest_has_a_secret(store: Store) -> None:
    quiz, other = school.quiz(store), school.quiz(store, seed=9)
    code = learners.open_class(store, school.teacher(store), quiz.id or 0)
    first, secret = learners.join(store, f" {code.lower()} ", "Kim")
    second, _ = learners.join(store, code)
    found = learners.guest(store, secret)
    assert found is not None
    assert found.id == first.id != second.id
    assert learners.guest(store, secret + "x") is None
    school.say(store, first.id or 0, school.begun(store, quiz.id, first.id or 0))
    with pytest.raises(TeachingError, match="not your class"):
        school.begun(store, other.id, first.id or 0)
    learners.close_class(store, school.teacher(store), quiz.id or 0)
    with pytest.raises(TeachingError, match="No class has the code"):
        learners.join(store, code)
    names = {row.name for row in results.of_quiz(store, school.teacher(store), quiz.id or 0)}
    assert names == {"Kim"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Given(True, "tumour", 120), "0 to 100"),
        (Given(True, "melanoma", 80), "no class"),
        (Given(False, "tumour", 80), "contradicts"),
        (Given(None, "tumour", None), "contradicts"),
        (Given(True, "tumour", None), "how sure"),
        (Given(True, "tumour", 80, outline=[{"slice": 0, "points": [[1, 1], [2, 2]]}]), "outline"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_with_a_remedy(sqlite_store: Store, given: Given, said: str) -> None:
    quiz, who = school.quiz(sqlite_store), school.learner(sqlite_store)
    attempt = school.begun(sqlite_store, quiz.id, who)
    task = school.next_task(sqlite_store, who, attempt)
    with pytest.raises(TeachingError, match=said) as refused:
        attempts.answer(sqlite_store, who, attempt, task.item, task.stage, given)
    assert refused.value.remedy
