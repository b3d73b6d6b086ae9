"""The classification report: precision, recall and F1 of every class, with intervals that draw whole groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import FloatArray, class_truth, same_length
from core.statistics.intervals import Interval, describe, group_codes, group_weights, percentile
from core.statistics.perfect import Groups, f1_past_perfection, past_perfection


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class, or their mean over the classes.

    Attributes:
        precision: share of the cases called so that are so; ``nan`` where none is called so.
        recall: share of the cases that are so and are called so; ``nan`` without such cases.
        f1: ``2 tp / (2 tp + fp + fn)``; ``nan`` where nothing is, or is called, so.
        support: cases that are so.
    """

    precision: Interval
    recall: Interval
    f1: Interval
    support: int


@dataclass(frozen=True)
class ClassificationReport:
    """Attributes: ``classes`` in their order, the plain mean over them (``macro``), the mean by support (``weighted``),
    and the share of right answers. Undefined figures are left out of the means.
    """

    classes: tuple[ClassFigures, ...]
    macro: ClassFigures
    weighted: ClassFigures
    accuracy: Interval


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def _figures(tables: FloatArray) -> FloatArray:
    """``(R, 3, K + 2)``: precision, recall, F1 by class, then macro and weighted, of confusions ``(R, K, K)``."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    are, called = tables.sum(axis=2), tables.sum(axis=1)
    single = np.stack([_ratio(right, called), _ratio(right, are), _ratio(2 * right, are + called)], axis=1)
    known = np.isfinite(single)
    filled = np.where(known, single, 0.0)
    weight = are[:, None, :] * known
    macro = _ratio(filled.sum(axis=2), known.sum(axis=2).astype(float))
    weighted = _ratio((filled * weight).sum(axis=2), weight.sum(axis=2))
    return np.concatenate([single, macro[:, :, None], weighted[:, :, None]], axis=2)


def classification_report(
    truth: ArrayLike,
    answer: ArrayLike,
    classes: int,
    groups: Groups | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ClassificationReport:
    """Precision, recall, F1 and support of each of ``classes`` classes, with percentile intervals over groups.

    A figure of 0 or 1, which no resample can leave, gets the bound of :mod:`core.statistics.perfect`; a mean of perfect
    classes the mean of their bounds.

    Args:
        truth, answer: ``(N,)`` class indices. groups: ``(N,)`` patients, drawn whole; ``None`` draws cases.

    Raises:
        StatisticsInputError: unequal lengths, a class index out of range.

    >>> r = classification_report([0, 1, 1, 1], [0, 1, 1, 0], 2, n=10)
    >>> [(c.precision.value, round(c.recall.value, 3), round(c.f1.value, 3), c.support) for c in r.classes]
    [(0.5, 1.0, 0.667, 1), (1.0, 0.667, 0.8, 3)]
    """
    labels, said = class_truth(truth, classes), class_truth(answer, classes)
    cases = same_length(truth=labels, answer=said)
    codes, count = group_codes(groups, cases)
    tables = np.zeros((count, classes, classes))  # every group's own confusion: all that a resample needs
    np.add.at(tables, (codes, labels, said), 1)
    whole = _figures(tables.sum(axis=0)[None])[0]
    flat = tables.reshape(count, -1)
    drawn = [(w @ flat).reshape(-1, classes, classes) for w in group_weights(count, n, seed)] if count > 1 else []
    made = np.concatenate([_figures(block) for block in drawn]) if drawn else np.empty((0, *whole.shape))
    method = describe(count, cases, n)

    def interval(value: float, values: FloatArray, of: int, units: int) -> Interval:
        ends = percentile(values, level) if count > 1 else (float("nan"), float("nan"))
        return Interval(float(value), *ends, of, units, method, level)

    def bounded(kind: int, k: int) -> Interval:
        rows = (said == k, labels == k, (said == k) | (labels == k))[kind]
        plain = interval(whole[kind, k], made[:, kind, k], int(rows.sum()), len(np.unique(codes[rows])))
        if plain.groups < 2:  # one group that errs nowhere says nothing about another
            return replace(plain, low=float("nan"), high=float("nan"))
        return (f1_past_perfection if kind == 2 else past_perfection)(plain, codes[rows])

    single = [[bounded(kind, k) for k in range(classes)] for kind in range(3)]
    support = np.bincount(labels, minlength=classes)

    def mean(kind: int, place: int, weights: FloatArray) -> Interval:
        plain = interval(whole[kind, place], made[:, kind, place], cases, count)
        if plain.value != 1.0:
            return plain
        used = [(i.low, w) for i, w in zip(single[kind], weights, strict=True) if np.isfinite(i.value) and w > 0]
        low = float(np.average([end for end, _ in used], weights=[w for _, w in used]))
        return replace(plain, low=low, high=1.0, method="mean of the classes' own bounds")

    rows = [ClassFigures(single[0][k], single[1][k], single[2][k], int(support[k])) for k in range(classes)]
    means = [
        ClassFigures(mean(0, row, weights), mean(1, row, weights), mean(2, row, weights), cases)
        for row, weights in ((classes, np.ones(classes)), (classes + 1, support.astype(float)))
    ]
    right = (labels == said).astype(float)
    hits = np.bincount(codes, weights=right, minlength=count)
    sizes = np.bincount(codes, minlength=count)
    shares = [(w @ hits) / (w @ sizes) for w in group_weights(count, n, seed)] if count > 1 else [np.empty(0)]
    accuracy = interval(float(right.mean()), np.concatenate(shares), cases, count)
    if count > 1:
        accuracy = past_perfection(accuracy, codes)
    return ClassificationReport(tuple(rows), means[0], means[1], accuracy)
