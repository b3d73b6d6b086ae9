"""Which truth has been told to a learner, and which cases still wait for an answer of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, select

from core.review.tables import Attempt, Learner, Quiz, QuizAnswer, QuizItem
from core.teaching.rules import Rules, Stage, Verify


def answers(session: Session, attempt_id: int) -> dict[tuple[int, Stage], QuizAnswer]:
    """Answers of an attempt by case and stage."""
    rows = session.exec(select(QuizAnswer).where(QuizAnswer.attempt_id == attempt_id))
    return {(row.item_id, Stage(row.stage)): row for row in rows}


def told(made: Attempt, rules: Rules, given: Sequence[QuizAnswer]) -> bool:
    """Whether the truth of a case is told to the learner who has given these answers on it."""
    if rules.verify is Verify.NEVER:
        return False
    return len(given) == len(rules.stages) and (rules.verify is Verify.AT_ONCE or made.finished is not None)


def untold(session: Session, *whose: object) -> set[int]:
    """Cases of attempts under way whose truth is not told yet.

    Args:
        whose: conditions on the learner.
    """
    query = (
        select(Attempt, Quiz)
        .join(Learner, col(Attempt.learner_id) == col(Learner.id))
        .join(Quiz, col(Attempt.quiz_id) == col(Quiz.id))
        .where(col(Attempt.finished).is_(None), *whose)  # type: ignore[arg-type]
    )
    found: set[int] = set()
    for attempt, quiz in session.exec(query):
        rules, given = Rules.of(quiz.rules), answers(session, attempt.id or 0)
        for item in attempt.sequence:
            if not told(attempt, rules, [given[item, s] for s in rules.stages if (item, s) in given]):
                found.add(item)
    return found


def images(session: Session, items: Iterable[int]) -> set[str]:
    """What the images of cases are known by, whichever quiz they are in."""
    rows = session.exec(select(QuizItem).where(col(QuizItem.id).in_(set(items))))
    return {known for row in rows for known in known_by(row)}


def known_by(item: QuizItem) -> set[str]:
    """What the images of one case are known by."""
    return {str(item.details.get("content", "")), *map(str, item.details.get("series_keys", ()))} - {""}
