"""What models said about the cases of quizzes, beside what readers said: curves, majority, and who followed whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from sqlmodel import col, select

from core.engine.results import Review
from core.review.store import Store
from core.review.tables import ItemScore
from core.statistics.curves import Curve, roc_curve
from core.statistics.multireader.automation_bias import Reliance, automation_bias
from core.teaching.results import Row
from core.teaching.rules import Stage

Scores = Mapping[str, Mapping[int, ItemScore]]


def scores(store: Store, rows: Iterable[Row]) -> Scores:
    """What models said about the cases of rows, by title and case; the newest version's answer.

    Cases of quizzes that never show models are left out.
    """
    items = sorted({row.item.id or 0 for row in rows if row.models})
    found: dict[str, dict[int, ItemScore]] = {}
    with store.reading() as session:
        query = select(ItemScore).where(col(ItemScore.item_id).in_(items)).order_by(col(ItemScore.id))
        for score in session.exec(query):
            found.setdefault(score.title, {})[score.item_id] = score
    return found


def of_review(item_id: int, review: Review) -> list[ItemScore]:
    """What each model said of a case: its highest calibrated probability of a finding, over the slices it answered."""
    found = []
    for result in review.ready:
        if result.finding is None or result.threshold is None or result.state.card is None:
            continue
        if not result.answered.any():
            continue
        peak = int(np.nanargmax(np.where(result.answered, result.finding, np.nan)))
        found.append(
            ItemScore(
                item_id=item_id,
                model=result.state.name,
                title=result.state.title,
                weights_sha256=result.state.card.weights_sha256,
                version=result.state.card.version,
                finding=float(result.finding[peak]),
                threshold=result.threshold,
                slice_index=peak,
            )
        )
    return found


def keep(store: Store, rows: Iterable[ItemScore]) -> None:
    """Keep what models said about cases; what is kept already stays."""
    with store.writing() as session:
        for row in rows:
            same = select(ItemScore).where(
                ItemScore.item_id == row.item_id,
                ItemScore.model == row.model,
                ItemScore.weights_sha256 == row.weights_sha256,
                ItemScore.version == row.version,
            )
            if session.exec(same).first() is None:
                session.add(row)


def curves(said: Scores, rows: Sequence[Row]) -> dict[str, Curve]:
    """ROC curves of the models that answered all of these cases."""
    truth = {row.item.id or 0: row.item.finding for row in rows}
    if len(set(truth.values())) < 2:
        return {}
    return {
        title: roc_curve(list(truth.values()), [own[item].finding for item in truth])
        for title, own in said.items()
        if set(truth) <= set(own)
    }


def majority(said: Scores) -> dict[int, bool]:
    """What most models said of each case, at their thresholds; a tie is no finding."""
    votes: dict[int, list[bool]] = {}
    for own in said.values():
        for item, score in own.items():
            votes.setdefault(item, []).append(score.finding >= score.threshold)
    return {item: sum(told) * 2 > len(told) for item, told in votes.items()}


def reliance(rows: Sequence[Row], advice: Mapping[int, bool]) -> tuple[Reliance, int] | None:
    """What advice did to one learner's answers, and on how many cases; ``None`` without such pairs of answers.

    A pair is the first answer alone and the first one with the models in sight on the same images: in one quiz, or in
    two that share the case.
    """
    by_case: dict[str, dict[Stage, Row]] = {}
    for row in rows:
        image = str(row.item.details.get("content", row.item.id))
        by_case.setdefault(image, {}).setdefault(row.stage, row)
    pairs = [
        (pair[Stage.ALONE], pair[Stage.ADVISED])
        for pair in by_case.values()
        if len(pair) == 2
        and pair[Stage.ADVISED].item.id in advice
        and all(r.answer.finding is not None for r in pair.values())
    ]
    if not pairs:
        return None
    found = automation_bias(
        [alone.item.finding for alone, _ in pairs],
        [advice[advised.item.id or 0] for _, advised in pairs],
        [[bool(alone.answer.finding) for alone, _ in pairs]],
        [[bool(advised.answer.finding) for _, advised in pairs]],
    )
    return found.readers[0], len(pairs)
