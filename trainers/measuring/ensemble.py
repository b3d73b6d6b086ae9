"""The ensemble of a system in the evaluation, by the rule that the pages use too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.engine.ensemble import mean_finding, threshold
from core.engine.vote import own_question
from core.weights.card import ModelCard
from core.weights.predictions import stored
from trainers.measuring.report import report_of
from trainers.measuring.scoring import Scored, figures, with_intervals


def validation_threshold(cards: Sequence[ModelCard], folder: Path) -> float | None:
    """Threshold of the members' mean, by the rule of :mod:`core.engine.ensemble`.

    Args:
        cards: the members. folder: holds ``<member>/predictions.parquet``.

    Returns:
        ``None`` when the members share no validation slices of both classes.
    """
    evidence = stored(folder, [card.name for card in cards])
    if len(evidence) < len(cards):
        return None
    choice = threshold(list(evidence.values()))
    return None if choice is None else float(choice.value)


def add_ensemble(
    models: dict[str, dict[str, object]], cards: Mapping[str, ModelCard], answers: Mapping[str, Scored], folder: Path
) -> None:
    """Add ``ensemble`` to the models' figures when at least two models of the system's own question answered.

    Args:
        models: figures by model, added to. cards, answers: of every model, and of those that answered, on the same
            slices.
        folder: holds ``<member>/predictions.parquet``.
    """
    joining = [cards[name] for name in answers if own_question(cards[name])]
    if len(joining) < 2:
        return
    cut = validation_threshold(joining, folder)
    if cut is None:
        return
    finding = mean_finding([answers[c.name].finding for c in joining])
    card = joining[0].model_copy(
        update={"name": "ensemble", "threshold": joining[0].threshold.model_copy(update={"value": cut})}
    )
    seconds = sum(answers[c.name].seconds for c in joining)
    s = replace(answers[joining[0].name], finding=finding, masks=None, truths=None, seconds=seconds)
    models["ensemble"] = with_intervals(figures(card, s), {"threshold": cut}) | report_of(card, s)
