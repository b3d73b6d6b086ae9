"""The classification report of every model: precision, recall, F1 and support of each class, and their confusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.evidence.summary import RESAMPLES, distinct, published
from core.evidence.summary import row as line
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import ClassFigures, Interval, classification_report
from core.weights.predictions import Evidence, Part

COLUMNS = (
    Column("precision", "Precision", help="share of the images called so that are so"),
    Column("recall", "Recall", help="share of the images that are so and are called so"),
    Column("f1", "F1", help="harmonic mean of precision and recall"),
    Column("accuracy", "Accuracy"),
    Column("support", "Support (images)", 0),
)


def answers(part: Part) -> NDArray[np.intp]:
    """``(N,)`` class that the model says: at the stored threshold of two, by the largest probability of several."""
    if len(part.card.classes) > 2:
        return part.calibrated.argmax(axis=1)
    positive = part.card.classes.index(part.card.positive[0])
    return np.where(part.finding >= part.card.threshold.value, positive, 1 - positive)


def confusion(part: Part) -> NDArray[np.intp]:
    """``(K, K)`` images, row = truth, column = answer."""
    count = len(part.card.classes)
    cells = part.classes * count + answers(part)
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def table(models: Sequence[Evidence], split: str) -> Table | None:
    """The report; ``None`` when no model has images of two classes."""
    parts = [p for p in (m.part(split) for m in models) if p is not None and len(np.unique(p.classes)) > 1]
    if not parts:
        return None
    rows: list[Row] = []
    for part in parts:
        rows += _rows(part)
    for part in distinct(parts):
        rows.append(_majority(part, len(distinct(parts)) > 1))
    notes = (
        "Two classes: at the stored threshold. Several: the largest probability wins. The mean over classes counts "
        "every class alike, that by support every image.",
    )
    return Table("classes", "Precision, recall and F1 of each class", COLUMNS, (*rows, *published(models)), notes)


def _rows(part: Part) -> list[Row]:
    names = part.card.classes
    report = classification_report(part.classes, answers(part), len(names), part.groups, RESAMPLES)
    rows = [
        line(part, _figures(own), f"{part.card.title}: {name}")
        for name, own in zip(names, report.classes, strict=True)
        if own.support
    ]
    return [
        *rows,
        line(part, _figures(report.macro) | {"accuracy": report.accuracy}, f"{part.card.title}: mean over classes"),
        line(part, _figures(report.weighted), f"{part.card.title}: mean by support"),
    ]


def _figures(own: ClassFigures) -> dict[str, Interval]:
    found = {"precision": own.precision, "recall": own.recall, "f1": own.f1}
    kept = {name: figure for name, figure in found.items() if np.isfinite(figure.value)}
    return kept | {"support": exact(own.support, own.recall.n, own.recall.groups, "count")}


def _majority(part: Part, name_model: bool) -> Row:
    """Calling everything by the name of the largest class: its rates are exact, its share of the images is not."""
    largest = int(np.bincount(part.classes).argmax())
    report = classification_report(
        part.classes, np.full(part.n, largest), len(part.card.classes), part.groups, RESAMPLES
    )
    label = f"always {part.card.classes[largest]}" + (f" ({part.card.title})" if name_model else "")
    recall = exact(report.macro.recall.value, part.n, part.group_count, "by definition")
    figures = _figures(report.macro) | {"recall": recall, "accuracy": report.accuracy}
    return line(part, figures, label, "mean over classes", BASELINE)
