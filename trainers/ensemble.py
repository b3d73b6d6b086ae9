"""The ensemble of a system in the evaluation, by the rule that the pages use too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.engine.results import ModelResult
from core.evidence.ensemble import mean_finding, members, threshold
from core.evidence.records import PREDICTIONS, from_frame
from core.models.card import ModelCard
from core.models.ensemble import mean_probability
from trainers.scoring import Scored, figures


def validation_threshold(cards: Sequence[ModelCard], folder: Path) -> float | None:
    """Threshold of the members' mean, by the rule of :mod:`core.evidence.ensemble`.

    Args:
        cards: the members. folder: holds ``<member>/predictions.parquet``.

    Returns:
        ``None`` when the members share no validation slices of both classes.
    """
    evidence = []
    for card in cards:
        path = folder / card.name / PREDICTIONS
        if not path.is_file():
            return None
        evidence.append(from_frame(card, pd.read_parquet(path), ""))
    choice = threshold(evidence)
    return None if choice is None else float(choice.value)


def add_ensemble(
    models: dict[str, dict[str, object]],
    answers: Mapping[str, Sequence[ModelResult]],
    truth: np.ndarray,
    groups: np.ndarray,
    folder: Path,
) -> None:
    """Add ``ensemble`` to the models' figures when at least two binary models of the same classes answered."""
    joining = members(card for r in answers.values() if (card := r[0].state.card) is not None)
    if len(joining) < 2:
        return
    cut = validation_threshold(joining, folder)
    if cut is None:
        return
    mean = mean_probability([np.concatenate([np.asarray(r.calibrated) for r in answers[c.name]]) for c in joining])
    finding = mean_finding([np.concatenate([np.asarray(r.finding) for r in answers[c.name]]) for c in joining])
    card = joining[0].model_copy(
        update={"name": "ensemble", "threshold": joining[0].threshold.model_copy(update={"value": cut})}
    )
    seconds = float(sum(np.mean([r.seconds for r in answers[c.name]]) for c in joining))
    none = np.zeros(len(truth), int)
    s = Scored(none, groups, truth.astype(int), truth, mean, finding, None, None, seconds)
    out: dict[str, object] = {"threshold": cut}
    for figure, metric in figures(card, s).items():
        out[figure] = metric.value
        if figure not in ("ece", "ms_per_image") and metric.low is not None and metric.high is not None:
            out[f"{figure}_low"], out[f"{figure}_high"] = metric.low, metric.high
    models["ensemble"] = out
