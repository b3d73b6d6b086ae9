"""The automation-bias laboratory: a made-up AI that is wrong on purpose.

Its answers are kept apart from the models' (table ``planted_answers``), are shown in the quiz that they were made for
and nowhere else, and enter no figure of a model. Learners are told at the end of the quiz.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sqlmodel import Session, col, select

from core.review.store import Store
from core.review.tables import PlantedAnswer, QuizItem
from core.teaching.rules import Rules

LEAST_SURE, SUREST = 0.6, 0.97  # of the side that it takes; drawn alike whether it is right or wrong


def answers(items: Sequence[QuizItem], rules: Rules) -> list[PlantedAnswer]:
    """What the AI says of the cases of a quiz; nothing without ``rules.planted``.

    Wrong are as many of each class as the share says, one at least of all, drawn by ``rules.seed``. How sure it is
    tells nothing about whether it is right.

    Args:
        items: with their ids.
    """
    if rules.planted is None:
        return []
    rng = np.random.default_rng([rules.seed, len(items), 77])
    wrong: set[int] = set()
    for finding in (True, False):
        mine = [item.id or 0 for item in items if item.finding is finding]
        wrong |= {int(k) for k in rng.permutation(mine)[: round(rules.planted * len(mine))]}
    if not wrong:
        wrong = {int(rng.choice([item.id or 0 for item in items]))}
    sure = rng.uniform(LEAST_SURE, SUREST, len(items))
    made = []
    for item, share in zip(items, sure, strict=True):
        says = item.finding is not ((item.id or 0) in wrong)
        probability = round(float(share if says else 1 - share), 2)
        made.append(PlantedAnswer(item_id=item.id or 0, finding=says, probability=probability))
    return made


def of_item(session: Session, item_id: int) -> PlantedAnswer | None:
    """What the AI says of a case; ``None`` where none is planted."""
    return session.exec(select(PlantedAnswer).where(PlantedAnswer.item_id == item_id)).first()


def said(store: Store, items: Iterable[int | None]) -> dict[int, PlantedAnswer]:
    """What the AI says of cases, by their numbers; empty where none is planted. For those who may see it."""
    with store.reading() as session:
        wanted = sorted({number or 0 for number in items})
        found = session.exec(select(PlantedAnswer).where(col(PlantedAnswer.item_id).in_(wanted)))
        return {one.item_id: one for one in found}
