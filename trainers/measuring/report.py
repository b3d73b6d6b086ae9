"""The classification report and the confusion of a model in the JSON form of ``python -m trainers evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.statistics import ClassFigures, classification_report
from core.weights.answers import probabilities
from core.weights.card import ModelCard
from trainers.measuring.scoring import Scored, finite


def report_of(card: ModelCard, s: Scored, classes: np.ndarray | None = None) -> dict[str, Any]:
    """``report`` and ``confusion`` of a model.

    Args:
        classes: ``(N,)`` true class of a model of several, which answers by its largest probability; ``None``: finding
            or none at the card's threshold, whatever the model's classes.

    Returns:
        ``report``: precision, recall, F1 (each with ``_low`` and ``_high``) and support by class, ``macro avg`` and
        ``weighted avg``, as scikit-learn names them; ``confusion``: ``classes`` and ``counts``, row = truth.
    """
    if classes is not None:
        names: Sequence[str] = card.classes
        said = probabilities(s.logits, card.temperature).argmax(1)
    else:
        names = card.classes if len(card.classes) == 2 else ("no finding", "finding")
        positive = card.classes.index(card.positive[0]) if len(card.classes) == 2 else 1
        truth, called = s.truth.astype(bool), s.finding >= card.threshold.value
        classes, said = (np.where(yes, positive, 1 - positive) for yes in (truth, called))
    found = classification_report(classes, said, len(names), s.groups)
    lines = {name: _line(own) for name, own in zip(names, found.classes, strict=True)}
    lines |= {"macro avg": _line(found.macro), "weighted avg": _line(found.weighted)}
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (classes, said), 1)
    return {"report": lines, "confusion": {"classes": list(names), "counts": counts.tolist()}}


def _line(own: ClassFigures) -> dict[str, float | int | None]:
    out: dict[str, float | int | None] = {}
    for name, figure in (("precision", own.precision), ("recall", own.recall), ("f1", own.f1)):
        out |= {name: finite(figure.value), f"{name}_low": finite(figure.low), f"{name}_high": finite(figure.high)}
    return out | {"support": own.support}
