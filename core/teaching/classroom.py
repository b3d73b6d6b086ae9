"""A class as it answers: who has joined, how far they are, and what they said, for the teacher's screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import col, select

from core.review.people import Action, acting
from core.review.store import Store
from core.review.tables import Attempt, Learner, QuizAnswer, QuizItem
from core.teaching.learners import name_of
from core.teaching.quizzes import found_quiz, own_course
from core.teaching.rules import Rules
from core.teaching.scoring import right


@dataclass(frozen=True)
class Tally:
    """What a class said of one case, first.

    Attributes:
        position: from 0. answers: how many. said: how often each answer was given (a class, or finding or clear).
        finding: share that says finding, 0 to 1. sure: mean confidence, percent.
    """

    item: int
    position: int
    answers: int
    said: Mapping[str, int]
    finding: float
    sure: float
    right: int


@dataclass(frozen=True)
class Live:
    """A class now.

    Attributes:
        joined: guests and users who have begun. finished: of these. progress: answered cases by name, in order of
            joining. tallies: of every case, in the quiz's own order.
    """

    joined: int
    finished: int
    progress: tuple[tuple[str, int, int], ...]
    tallies: tuple[Tally, ...]


def live(store: Store, actor: int, quiz_id: int) -> Live:
    """How a class stands.

    Raises:
        NotAllowedError: the actor does not teach, or the quiz is another teacher's.
    """
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
        quiz = found_quiz(session, quiz_id)
        own_course(session, actor, quiz.course_id)
        guests = list(session.exec(select(Learner).where(Learner.quiz_id == quiz_id).order_by(col(Learner.id))))
        attempts = list(session.exec(select(Attempt).where(Attempt.quiz_id == quiz_id).order_by(col(Attempt.id))))
        items = list(session.exec(select(QuizItem).where(QuizItem.quiz_id == quiz_id).order_by(col(QuizItem.position))))
        numbers = [one.id for one in attempts]
        stage = Rules.of(quiz.rules).stages[0]
        query = select(QuizAnswer).where(col(QuizAnswer.attempt_id).in_(numbers), QuizAnswer.stage == stage.value)
        answers = list(session.exec(query))
        users = {user.number or 0: user.name for user in store.users()}
        others = {one.learner_id for one in attempts} - {guest.id for guest in guests}
        more = list(session.exec(select(Learner).where(col(Learner.id).in_(others)).order_by(col(Learner.id))))
    first = {one.id: one for one in attempts if one.number == 1}
    answers = [one for one in answers if one.attempt_id in first]
    done = Counter(first[one.attempt_id].learner_id for one in answers)
    learners = [*guests, *more]
    return Live(
        joined=len(learners),
        finished=sum(one.finished is not None for one in first.values()),
        progress=tuple((name_of(one, users), done[one.id or 0], len(items)) for one in learners),
        tallies=tuple(_tally(item, [one for one in answers if one.item_id == item.id]) for item in items),
    )


def _tally(item: QuizItem, answers: list[QuizAnswer]) -> Tally:
    told = [one for one in answers if one.finding is not None]
    said = Counter(one.label or ("finding" if one.finding else "clear") for one in told)
    count = len(told)
    return Tally(
        item=item.id or 0,
        position=item.position,
        answers=count,
        said=dict(said),
        finding=sum(bool(one.finding) for one in told) / count if count else 0.0,
        sure=sum(one.confidence or 0 for one in told) / count if count else 0.0,
        right=sum(right(one, item) for one in told),
    )
