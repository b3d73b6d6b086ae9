"""The mean of a system's binary classifiers, with a threshold of its own chosen on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core.engine.predict import finding_probability, probabilities
from core.engine.results import ModelResult
from core.models.card import ModelCard
from core.models.ensemble import mean_probability
from core.statistics import thresholds
from trainers.scoring import Scored, figures


def validation_threshold(cards: Sequence[ModelCard], folder: Path) -> float | None:
    """Threshold of the members' mean with the best balanced accuracy on the validation slices they share.

    Args:
        cards: the members. folder: holds ``<member>/predictions.parquet``.

    Returns:
        ``None`` when the members share no validation slices of both classes.
    """
    columns, truth, groups = [], None, None
    for card in cards:
        path = folder / card.name / "predictions.parquet"
        if not path.is_file():
            return None
        frame = pd.read_parquet(path)
        frame = frame[frame["split"] == "validation"].drop_duplicates("id").set_index("id")
        logits = frame[[c for c in frame.columns if c.startswith("logit_")]].to_numpy()
        columns.append(
            pd.Series(finding_probability(probabilities(logits, card.temperature), card), frame.index, name=card.name)
        )
        truth, groups = frame["truth"], frame["group"]
    assert truth is not None
    assert groups is not None
    shared = pd.concat(columns, axis=1, join="inner")
    labels = truth[shared.index].to_numpy() > 0
    if labels.all() or not labels.any():
        return None
    mean = shared.mean(axis=1).to_numpy()
    return float(thresholds.balanced_accuracy_optimum(labels, mean, groups[shared.index].to_numpy()).value)


def add_ensemble(
    models: dict[str, dict[str, object]],
    answers: Mapping[str, Sequence[ModelResult]],
    truth: np.ndarray,
    groups: np.ndarray,
    folder: Path,
) -> None:
    """Add ``ensemble`` to the models' figures when at least two binary classifiers of the same classes answered."""
    cards = [r[0].state.card for name, r in answers.items() if not name.startswith("classic")]
    members = [c for c in cards if c is not None and len(c.classes) == 2 and c.role == "classifier"]
    if len(members) < 2:
        return
    cut = validation_threshold(members, folder)
    if cut is None:
        return
    stacks = [np.concatenate([np.asarray(r.calibrated) for r in answers[c.name]]) for c in members]
    mean = mean_probability(stacks)
    card = members[0].model_copy(
        update={"name": "ensemble", "threshold": members[0].threshold.model_copy(update={"value": cut})}
    )
    finding = finding_probability(mean, card)
    seconds = float(sum(np.mean([r.seconds for r in answers[c.name]]) for c in members))
    none = np.zeros(len(truth), int)
    s = Scored(none, groups, truth.astype(int), truth, mean, finding, None, None, seconds)
    out: dict[str, object] = {"threshold": cut}
    for figure, metric in figures(card, s).items():
        out[figure] = metric.value
        if figure not in ("ece", "ms_per_image") and metric.low is not None and metric.high is not None:
            out[f"{figure}_low"], out[f"{figure}_high"] = metric.low, metric.high
    models["ensemble"] = out
