"""What was missed comes back: days as the published formulas of FSRS say, worked here a second time."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from fsrs import Rating
from fsrs.scheduler import DEFAULT_PARAMETERS as W

from core.review import Store
from core.review.tables import QuizAnswer
from core.review.vocabulary import now
from core.teaching import attempts, repetition
from core.teaching.rules import Purpose, Rules, Verify
from tests.teaching import school

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def answered(finding: bool, confidence: int = 80, *, found: bool | None = None, late: bool = False) -> QuizAnswer:
    return QuizAnswer(
        attempt_id=1, item_id=1, stage="alone", finding=finding, confidence=confidence,
        found=found, late=late, started=START, seconds=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "truth", "rating"),
    [
        (answered(True), False, Rating.Again),
        (answered(True, late=True), True, Rating.Again),
        (answered(True, found=False), True, Rating.Again),
        (answered(True, 60, found=True), True, Rating.Hard),
        (answered(False, 80), False, Rating.Good),
        (answered(False, 95), False, Rating.Easy),
    ],
)
def test_how_well_a_case_went(answer: QuizAnswer, truth: bool, rating: Rating) -> None:
    assert repetition.rating(answer, truth) is rating


def difficulty(first: int) -> float:
    return W[4] - math.exp(W[5] * (first - 1)) + 1


def test_days_until_a_case_comes_back() -> None:
    """Missed, then known when it came back: stability by equations of FSRS-6 (open-spaced-repetition wiki)."""
    card, due = repetition.reviewed(None, Rating.Again, START, 5)
    assert due == START + timedelta(days=1)  # stability 0.212 days: one day is the least
    stability, hard = W[0], min(max(difficulty(1), 1), 10)
    assert (card["stability"], card["difficulty"]) == (pytest.approx(stability), pytest.approx(hard))
    _, due = repetition.reviewed(card, Rating.Good, due, 5)
    factor = 0.9 ** (-1 / W[20]) - 1
    recall = (1 + factor * 1 / stability) ** -W[20]
    grown = stability * (1 + math.exp(W[8]) * (11 - hard) * stability ** -W[9] * (math.exp(W[10] * (1 - recall)) - 1))
    assert (due - START - timedelta(days=1)).days == max(1, round(grown))


def test_days_grow_with_right_answers_and_are_the_same_every_time() -> None:
    def path() -> list[int]:
        card, due = repetition.reviewed(None, Rating.Again, START, 5)
        days = [1]
        for _ in range(4):
            card, following = repetition.reviewed(card, Rating.Good, due, 5)
            days.append((following - due).days)
            due = following
        return days

    assert path() == path()
    assert all(a < b for a, b in pairwise(path()[1:]))


def test_only_what_was_missed_comes_back_and_goes_when_it_is_known(sqlite_store: Store) -> None:
    store = sqlite_store
    quiz, who = school.quiz(store), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    given = [school.say(store, who, attempt, finding=True) for _ in range(4)]
    missed = {a.item_id for a in given if repetition.rating(a, _truth(store, a)) is Rating.Again}
    assert len(missed) == 2  # the two without a tumour
    assert repetition.due(store, who) == {}
    tomorrow = now() + timedelta(days=1, minutes=1)
    assert set(repetition.due(store, who, tomorrow)[quiz.id or 0]) == missed
    again = attempts.begin(store, who, quiz.id or 0, sorted(missed))
    assert (again.purpose, set(again.sequence)) == (Purpose.AGAIN, missed)
    for _ in missed:
        school.say(store, who, again.id or 0, finding=False, confidence=90)
    due = repetition.next_due(store, who)
    assert due is not None
    assert due > now()


def _truth(store: Store, answer: QuizAnswer) -> bool:
    from core.teaching import quizzes

    return next(i.finding for i in quizzes.items_for(store, 1, 1) if i.id == answer.item_id)


def test_what_comes_back_does_not_tell_the_truth_before_the_end(sqlite_store: Store) -> None:
    store, later = sqlite_store, now() + timedelta(days=400)
    quiz, who = school.quiz(store, Rules(verify=Verify.AT_END)), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    for _ in range(3):
        school.say(store, who, attempt)
        assert repetition.due(store, who, later) == {}
        assert repetition.next_due(store, who) is None
    school.say(store, who, attempt)
    assert len(repetition.due(store, who, later)[quiz.id or 0]) == 2
