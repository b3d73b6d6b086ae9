"""When a case comes back: what was missed, after days that grow with every right answer (FSRS, without its fuzz)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fsrs import Card, Rating, Scheduler
from sqlmodel import Session, col, select

from core.review.store import Store
from core.review.tables import QuizAnswer, QuizItem, Repetition
from core.review.vocabulary import now
from core.teaching.learners import found_learner

SURE, DOUBTFUL = 95, 70  # percent: right and so sure was easy, right and less sure than this was hard
# Without its steps of minutes: a case that one has just been told the truth of proves nothing ten minutes later.
_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def rating(answer: QuizAnswer, truth: bool) -> Rating:
    """How well a case went: again when it was missed (wrong, too late, or marked elsewhere), else by confidence."""
    if answer.finding is not truth or answer.late or (truth and answer.found is False):
        return Rating.Again
    sure = answer.confidence or 0
    return Rating.Easy if sure >= SURE else Rating.Good if sure >= DOUBTFUL else Rating.Hard


def reviewed(
    card: Mapping[str, Any] | None, how: Rating, when: datetime, number: int
) -> tuple[dict[str, Any], datetime]:
    """A card after an answer.

    Args:
        card: as it was, ``None`` for a new one. when: moment of the answer. number: identifies the card.

    Returns:
        The card as JSON, and when it is due, in UTC.
    """
    before = Card(card_id=number, due=when.astimezone(UTC)) if card is None else Card.from_dict(dict(card))  # type: ignore[arg-type]
    after, _ = _SCHEDULER.review_card(before, how, when.astimezone(UTC))
    return dict(after.to_dict()), after.due


def note(session: Session, learner_id: int, answer: QuizAnswer, item: QuizItem) -> None:
    """Schedule a case after its answer: a missed one comes back; what never was missed stays away."""
    query = select(Repetition).where(Repetition.learner_id == learner_id, Repetition.item_id == item.id)
    row = session.exec(query).first()
    how = rating(answer, item.finding)
    if row is None and how is not Rating.Again:
        return
    card, due = reviewed(row.card if row else None, how, answer.locked_at, item.id or 0)
    if row is None:
        row = Repetition(learner_id=learner_id, item_id=item.id or 0, due=due)
    row.card, row.due = card, due
    session.add(row)


def due(store: Store, learner_id: int, when: datetime | None = None) -> dict[int, list[int]]:
    """What is due for a learner: numbers of the cases by quiz, the longest overdue first."""
    with store.reading() as session:
        found_learner(session, learner_id)
        query = select(Repetition, QuizItem).join(QuizItem, col(Repetition.item_id) == col(QuizItem.id))
        query = query.where(Repetition.learner_id == learner_id, col(Repetition.due) <= (when or now()))
        found: dict[int, list[int]] = {}
        for row, item in session.exec(query.order_by(col(Repetition.due), col(Repetition.id))):
            found.setdefault(item.quiz_id, []).append(row.item_id)
        return found


def next_due(store: Store, learner_id: int) -> datetime | None:
    """When the next case comes back; ``None`` when none will."""
    with store.reading() as session:
        found_learner(session, learner_id)
        query = select(Repetition.due).where(Repetition.learner_id == learner_id).order_by(col(Repetition.due))
        return session.exec(query.limit(1)).first()
