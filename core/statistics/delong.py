"""DeLong's variance of the AUC and the paired test of two models, by mid-ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used: the first page of a server needs none
from numpy.typing import ArrayLike

from core.statistics._checks import BoolArray, FloatArray, binary_truth, same_length, scores
from core.statistics.intervals import Interval


@dataclass(frozen=True)
class DelongTest:
    """Paired comparison of two AUCs on the same independent cases.

    Attributes:
        first, second: AUCs. difference: ``first - second`` with its normal interval.
        z, p: statistic and two-sided p value; ``nan`` when the variance of the difference is 0 but not the difference.
    """

    first: float
    second: float
    difference: Interval
    z: float
    p: float


def _components(labels: BoolArray, values: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """AUC and its structural components over the positives ``(m,)`` and the negatives ``(k,)``."""
    positive, negative = values[labels], values[~labels]
    m, k = len(positive), len(negative)
    together = scipy.stats.rankdata(np.concatenate([positive, negative]))
    over_positive = (together[:m] - scipy.stats.rankdata(positive)) / k
    over_negative = 1 - (together[m:] - scipy.stats.rankdata(negative)) / m
    return float(over_positive.mean()), over_positive, over_negative


def _covariance(first: FloatArray, second: FloatArray) -> float:
    return float(np.cov(first, second)[0, 1]) / len(first)


def _enough(labels: BoolArray) -> bool:
    return min(int(labels.sum()), int((~labels).sum())) >= 2


def delong(truth: ArrayLike, score: ArrayLike, level: float = 0.95) -> Interval:
    """AUC with DeLong's normal interval (DeLong 1988, in ``O(N log N)`` after Sun and Xu 2014).

    For independent cases only: with several slices a patient use ``bootstrap_by_group``.

    Args:
        truth: ``(N,)`` 0/1. score: ``(N,)`` floats.

    Returns:
        Interval cut to [0, 1]; ends ``nan`` with fewer than two cases in a class.

    >>> i = delong([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.35, 0.8, 0.9])
    >>> round(i.value, 4), round(i.low, 4), i.high
    (0.8889, 0.5809, 1.0)
    """
    auc, variance = delong_variance(truth, score)
    half = float(scipy.stats.norm.ppf((1 + level) / 2)) * float(np.sqrt(variance))
    n = len(np.asarray(truth))
    return Interval(auc, float(np.maximum(auc - half, 0)), float(np.minimum(auc + half, 1)), n, n, "DeLong", level)


def delong_variance(truth: ArrayLike, score: ArrayLike) -> tuple[float, float]:
    """AUC and DeLong's variance of it; both ``nan`` with fewer than two cases in a class."""
    labels, values = binary_truth(truth), scores(score)
    same_length(truth=labels, score=values)
    if not _enough(labels):
        return float("nan"), float("nan")
    auc, over_positive, over_negative = _components(labels, values)
    return auc, _covariance(over_positive, over_positive) + _covariance(over_negative, over_negative)


def delong_test(truth: ArrayLike, first: ArrayLike, second: ArrayLike, level: float = 0.95) -> DelongTest:
    """Whether two models differ in AUC on the same independent cases.

    Args:
        truth: ``(N,)`` 0/1. first, second: ``(N,)`` floats, the models' scores.
    """
    labels, one, two = binary_truth(truth), scores(first, "first"), scores(second, "second")
    n = same_length(truth=labels, first=one, second=two)
    nan = float("nan")
    if not _enough(labels):
        return DelongTest(nan, nan, Interval(nan, nan, nan, n, n, "paired DeLong", level), nan, nan)
    a, a_positive, a_negative = _components(labels, one)
    b, b_positive, b_negative = _components(labels, two)
    positive, negative = a_positive - b_positive, a_negative - b_negative
    spread = float(np.sqrt(_covariance(positive, positive) + _covariance(negative, negative)))
    gap = a - b
    if spread > 0:
        z = gap / spread
        p = float(2 * scipy.stats.norm.sf(abs(z)))
    else:
        z, p = (0.0, 1.0) if gap == 0 else (nan, nan)
    half = float(scipy.stats.norm.ppf((1 + level) / 2)) * spread
    return DelongTest(a, b, Interval(gap, gap - half, gap + half, n, n, "paired DeLong", level), z, p)
