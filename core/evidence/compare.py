"""Two models of a system on the images that both have seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from core.evidence.summary import RESAMPLES, published
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import Interval, delong_test, paired_bootstrap, roc_auc
from core.statistics.weighted import bootstrap_weighted, difference, mean
from core.weights.predictions import Evidence, EvidenceError, Part

COLUMNS = (
    Column("auc", "AUC difference, bootstrap by group"),
    Column("auc_p", "p, bootstrap", 4),
    Column("delong", "AUC difference, DeLong"),
    Column("delong_p", "p, DeLong", 4),
    Column("sensitivity", "Sensitivity difference"),
    Column("specificity", "Specificity difference"),
)


def common(first: Part, second: Part) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the images that both parts hold, in the same order.

    Raises:
        EvidenceError: the two disagree about the truth or the group of an image, or name one twice.
    """
    for part in (first, second):
        if len(set(part.ids)) != part.n:
            raise EvidenceError(
                f"{part.card.title} names an image twice: it cannot be paired.", "Export the model again."
            )
    where = {name: number for number, name in enumerate(second.ids)}
    one = np.array([i for i, name in enumerate(first.ids) if name in where], dtype=np.intp)
    two = np.array([where[first.ids[i]] for i in one], dtype=np.intp)
    if not (
        np.array_equal(first.truth[one], second.truth[two]) and np.array_equal(first.groups[one], second.groups[two])
    ):
        raise EvidenceError(
            f"{first.card.title} and {second.card.title} disagree about the truth or the group of an image.",
            "Score both models on the same data set.",
        )
    return one, two


def pairs(models: Sequence[Evidence], split: str) -> Table | None:
    """Every pair of models; ``None`` when no two share images with and without a finding."""
    parts = [p for p in (m.part(split) for m in models) if p is not None and p.has_both]
    rows = [row for a, b in combinations(parts, 2) if (row := _pair(a, b)) is not None]
    if not rows:
        return None
    n, groups = rows[0].n, rows[0].groups
    nothing = {c.key: exact(0.0, n, groups, "by definition") for c in COLUMNS if not c.key.endswith("_p")}
    zero = Row("no difference", BASELINE, "", split, n, groups, nothing)
    notes = [
        "First minus second, on the images both have scored, each model at its own threshold. p values are two-sided "
        "and not adjusted for the number of pairs.",
    ]
    if any(row.groups < row.n for row in rows):
        notes.append(
            "DeLong takes images as independent. Images of one group are not: where the two disagree, "
            "the bootstrap by group counts."
        )
    return Table("pairs", "Two models compared", COLUMNS, (*rows, zero, *published(models)), tuple(notes))


def _pair(first: Part, second: Part) -> Row | None:
    label, version = f"{first.card.title} − {second.card.title}", f"{first.card.version} / {second.card.version}"
    try:
        one, two = common(first, second)
    except EvidenceError as error:
        return Row(label, "model", version, first.split, note=f"Not compared. {error.message}")
    truth, groups = first.truth[one], first.groups[one]
    if not len(one) or truth.all() or not truth.any():
        return None
    a, b = first.finding[one], second.finding[two]
    by_group = paired_bootstrap(roc_auc, [truth, a], [truth, b], groups, RESAMPLES)
    delong = delong_test(truth, a, b)
    said = a >= first.card.threshold.value, b >= second.card.threshold.value
    n, count = len(one), by_group.difference.groups

    def rate(of: np.ndarray, right: tuple[np.ndarray, np.ndarray]) -> Interval:
        gap = difference(mean(right[0], of), mean(right[1], of))
        return replace(bootstrap_weighted(gap, n, groups, RESAMPLES), method=by_group.difference.method)

    figures = {
        "auc": by_group.difference,
        "auc_p": exact(by_group.p, n, count, by_group.difference.method),
        "delong": delong.difference,
        "delong_p": exact(delong.p, n, n, delong.difference.method),
        "sensitivity": rate(truth, said),
        "specificity": rate(~truth, (~said[0], ~said[1])),
    }
    note = f"AUC {by_group.first:.3f} and {by_group.second:.3f} on {n} common images"
    figures = {name: figure for name, figure in figures.items() if np.isfinite(figure.value)}
    return Row(f"{first.card.title} − {second.card.title}", "model", version, first.split, n, count, figures, note)
