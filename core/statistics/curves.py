"""ROC, precision-recall and reliability curves, each with a band that draws whole patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import (
    BoolArray,
    FloatArray,
    StatisticsInputError,
    binary_truth,
    probabilities,
    same_length,
    scores,
)
from core.statistics.intervals import describe, group_codes, group_weights

Groups = Sequence[Any] | NDArray[Any] | None
_CELLS = 500_000  # resamples x cases held at once
ENOUGH = 0.5  # share of resamples in which a point must be defined, as for any percentile interval here


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve, one per distinct score, from the strictest threshold to the loosest.

    Attributes:
        x, y: ``(K,)`` in [0, 1]. ROC: 1 - specificity and sensitivity, from (0, 0). Precision-recall: recall and
            precision; the first point repeats the strictest threshold's precision at recall 0.
        threshold: ``(K,)``; a case is positive from it on (``>=``); the first one is infinite.
        area: area under the ROC curve; average precision for precision-recall.
    """

    x: FloatArray
    y: FloatArray
    threshold: FloatArray
    area: float


@dataclass(frozen=True, eq=False)
class Band:
    """Pointwise interval of a curve: ``(M,)`` grid on the x axis and the two ends on the y axis (``nan``: unknown)."""

    x: FloatArray
    low: FloatArray
    high: FloatArray
    n: int
    groups: int
    method: str
    level: float = 0.95


@dataclass(frozen=True, eq=False)
class Reliability:
    """Stated probability against what came true, in bins of equal width.

    Attributes:
        stated: ``(B,)`` mean probability in a bin; ``nan`` for an empty one.
        observed: ``(B,)`` share that came true. low, high: its interval; ``nan`` when unknown.
        cases, groups: ``(B,)`` what a bin rests on.
        edges: ``(B + 1,)`` of the bins.
    """

    stated: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    cases: NDArray[np.intp]
    groups: NDArray[np.intp]
    edges: FloatArray
    method: str


def ladder(labels: BoolArray, values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """True and false positives ``(R, K)`` at each distinct score, falling, for every row of weights; the scores."""
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    hits = np.cumsum(np.add.reduceat(weights[:, order] * labels[order], starts, axis=1), axis=1)
    alarms = np.cumsum(np.add.reduceat(weights[:, order] * ~labels[order], starts, axis=1), axis=1)
    return hits, alarms, ordered[starts]


def _both(truth: ArrayLike, score: ArrayLike) -> tuple[BoolArray, FloatArray]:
    labels, values = binary_truth(truth), scores(score).astype(np.float64)
    same_length(truth=labels, score=values)
    if labels.all() or not labels.any():
        raise StatisticsInputError("A curve needs positive and negative cases.", "Choose a part that holds both.")
    return labels, values


def roc_curve(truth: ArrayLike, score: ArrayLike) -> Curve:
    """ROC curve with every distinct score as a threshold.

    Args:
        truth: ``(N,)`` 0/1. score: ``(N,)`` floats, higher = more suspicious.

    Raises:
        StatisticsInputError: one class missing, unequal lengths, labels or decisions instead of scores.

    >>> c = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> c.x.tolist(), c.y.tolist(), c.area
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0], 0.75)
    """
    labels, values = _both(truth, score)
    hits, alarms, cuts = ladder(labels, values, np.ones((1, len(labels))))
    x = np.concatenate(([0.0], alarms[0] / (~labels).sum()))
    y = np.concatenate(([0.0], hits[0] / labels.sum()))
    return Curve(x, y, np.concatenate(([np.inf], cuts)), float(np.trapezoid(y, x)))


def precision_recall_curve(truth: ArrayLike, score: ArrayLike) -> Curve:
    """Precision against recall; the area is average precision ``sum (R_k - R_{k-1}) P_k``, with no line between points.

    Same arguments and errors as :func:`roc_curve`. The floor is the share of positives, not 0.5.

    >>> c = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> c.x.tolist(), c.y.round(3).tolist(), round(c.area, 4)
    ([0.0, 0.5, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.667, 0.5], 0.8333)
    """
    labels, values = _both(truth, score)
    hits, alarms, cuts = ladder(labels, values, np.ones((1, len(labels))))
    recall, precision = hits[0] / labels.sum(), hits[0] / (hits[0] + alarms[0])
    area = float((np.diff(recall, prepend=0.0) * precision).sum())
    x, y = np.concatenate(([0.0], recall)), np.concatenate(([precision[0]], precision))
    return Curve(x, y, np.concatenate(([np.inf], cuts)), area)


def case_weights(codes: NDArray[Any], count: int, n: int, seed: int) -> Iterator[FloatArray]:
    """Case weights ``(r, N)`` of the resampled groups, a block at a time."""
    rows = max(1, _CELLS // max(len(codes), 1))
    for block in group_weights(count, n, seed):
        for start in range(0, len(block), rows):
            yield block[start : start + rows][:, codes]


def _ends(drawn: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Percentile ends of every column of ``(R, M)``; ``nan`` where fewer than half of the draws are defined."""
    enough = np.isfinite(drawn).sum(axis=0) >= max(2, ENOUGH * len(drawn))
    low, high = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    if enough.any():
        low[enough], high[enough] = np.nanquantile(drawn[:, enough], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _band(
    truth: ArrayLike,
    score: ArrayLike,
    groups: Groups,
    read: Callable[[FloatArray, FloatArray], FloatArray],
    grid: FloatArray,
    n: int,
    seed: int,
    level: float,
) -> Band:
    labels, values = _both(truth, score)
    codes, count = group_codes(groups, len(labels))
    rows: list[FloatArray] = []
    for weights in case_weights(codes, count, n, seed) if count > 1 else ():
        hits, alarms, _ = ladder(labels, values, weights)
        rows += [
            read(h, a) if h[-1] > 0 and a[-1] > 0 else np.full(len(grid), np.nan)
            for h, a in zip(hits, alarms, strict=True)
        ]
    unknown = np.full(len(grid), np.nan)
    low, high = _ends(np.array(rows), level) if rows else (unknown, unknown)
    return Band(grid, low, high, len(labels), count, describe(count, len(labels), n), level)


def roc_band(
    truth: ArrayLike,
    score: ArrayLike,
    groups: Groups = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    points: int = 101,
) -> Band:
    """Interval of the sensitivity at each false-positive rate of a grid, over resampled groups.

    Args:
        truth: ``(N,)`` 0/1. score: ``(N,)`` floats. groups: ``(N,)`` patients, drawn whole; ``None`` draws cases.
        n: resamples. points: of the grid over [0, 1].
    """
    grid = np.linspace(0, 1, points)

    def read(hits: FloatArray, alarms: FloatArray) -> FloatArray:
        # Of several points above one another numpy reads the last, which is the highest.
        x = np.concatenate(([0.0], alarms / alarms[-1]))
        return np.interp(grid, x, np.concatenate(([0.0], hits / hits[-1])))

    return _band(truth, score, groups, read, grid, n, seed, level)


def precision_recall_band(
    truth: ArrayLike,
    score: ArrayLike,
    groups: Groups = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    points: int = 100,
) -> Band:
    """Interval of the precision at each recall of a grid in (0, 1]: that of the strictest threshold that reaches it."""
    grid = np.linspace(1 / points, 1, points)

    def read(hits: FloatArray, alarms: FloatArray) -> FloatArray:
        at = np.searchsorted(hits / hits[-1], grid - 1e-12)
        return hits[at] / (hits[at] + alarms[at])

    return _band(truth, score, groups, read, grid, n, seed, level)


def reliability(
    probability: ArrayLike,
    truth: ArrayLike,
    groups: Groups = None,
    bins: int = 15,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Reliability:
    """Reliability diagram in the bins of :func:`~core.statistics.calibration.ece`.

    Args:
        probability: ``(N,)`` of the positive class, in [0, 1]. truth: ``(N,)`` 0/1.
        groups: ``(N,)`` patients, drawn whole for the interval; a bin that rests on one group gets none.

    >>> r = reliability([0.1, 0.2, 0.9, 0.8], [0, 1, 1, 1], bins=2, n=10)
    >>> r.stated.round(2).tolist(), r.observed.tolist(), r.cases.tolist()
    ([0.15, 0.85], [0.5, 1.0], [2, 2])
    """
    values, labels = np.clip(probabilities(probability).astype(np.float64), 0, 1), binary_truth(truth)
    same_length(probability=values, truth=labels)
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    cases = np.bincount(which, minlength=bins)
    codes, count = group_codes(groups, len(labels))
    table = np.zeros((2, count, bins))  # cases and hits of every group in every bin: all that a resample needs
    np.add.at(table[0], (codes, which), 1)
    np.add.at(table[1], (codes, which), labels)
    with np.errstate(invalid="ignore", divide="ignore"):
        stated = np.bincount(which, weights=values, minlength=bins) / cases
        observed = table[1].sum(axis=0) / cases
        drawn = np.concatenate([(w @ table[1]) / (w @ table[0]) for w in group_weights(count, n, seed)])
    low, high = _ends(drawn, level)
    units = (table[0] > 0).sum(axis=0)
    low[units < 2], high[units < 2] = np.nan, np.nan
    return Reliability(stated, observed, low, high, cases, units, edges, describe(count, len(labels), n))
