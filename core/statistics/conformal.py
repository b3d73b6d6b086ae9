"""Class-conditional conformal sets: answers that hold their promise in every class, or say that they cannot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import (
    BoolArray,
    FloatArray,
    IntArray,
    StatisticsInputError,
    class_truth,
    probabilities,
    same_length,
)

_SLACK = 1e-9  # (n + 1) * level may come out a rounding error above a whole number


@dataclass(frozen=True, eq=False)
class ConformalRule:
    """What the calibration part says about each of ``K`` classes.

    Attributes:
        level: promised coverage, in (0, 1).
        lowest: ``(K,)`` a class is in the set from this probability on; ``-inf`` where there are too few cases to
            guarantee anything: then the class is in every set.
        cases: ``(K,)`` calibration cases of each class.
        needed: the fewest cases of a class with which the level can be promised.
    """

    level: float
    lowest: FloatArray
    cases: IntArray
    needed: int

    @property
    def guaranteed(self) -> BoolArray:
        """``(K,)`` whether a class has enough calibration cases."""
        return self.cases >= self.needed


def cases_needed(level: float) -> int:
    """Fewest calibration cases of a class for a level: the smallest ``n`` with ``ceil((n + 1) level) <= n``.

    >>> cases_needed(0.9), cases_needed(0.95), cases_needed(0.5)
    (9, 19, 1)
    """
    if not 0 < level < 1:
        raise StatisticsInputError(f"Level {level} asked for.", "Choose one between 0 and 1, for example 0.9.")
    return int(np.ceil(level / (1 - level) - _SLACK))


def fit_conformal(probability: ArrayLike, truth: ArrayLike, level: float) -> ConformalRule:
    """Class-conditional (Mondrian) split conformal with the score ``1 - p(true class)`` (Vovk 2012; Sadinle 2019).

    For each class, the ``ceil((n + 1) level)``-th smallest score of its calibration cases. Whoever is exchangeable
    with those cases has the true class in the set with at least that probability, in every class; slices of one
    patient are exchangeable with other slices only as far as the patients are.

    Args:
        probability: ``(N, K)`` calibration cases, in [0, 1]. truth: ``(N,)`` class indices. level: in (0, 1).

    Raises:
        StatisticsInputError: wrong shapes, values outside [0, 1], a level outside (0, 1).

    >>> p = np.array([[.9, .1], [.8, .2], [.6, .4], [.3, .7]])
    >>> rule = fit_conformal(p, [0, 0, 0, 1], 0.75)
    >>> rule.lowest.round(3).tolist(), rule.guaranteed.tolist()
    ([0.6, -inf], [True, False])
    """
    values = probabilities(probability).astype(np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise StatisticsInputError(
            f"Expected probabilities (N, K) with K >= 2, got {values.shape}.", "Give a binary model two columns."
        )
    labels = class_truth(truth, values.shape[1])
    same_length(probability=values, truth=labels)
    needed = cases_needed(level)
    lowest = np.full(values.shape[1], -np.inf)
    cases = np.bincount(labels, minlength=values.shape[1])
    for k, count in enumerate(cases):
        rank = int(np.ceil((count + 1) * level - _SLACK))
        if rank <= count:
            # The rank-th smallest score 1 - p is the rank-th largest p.
            lowest[k] = np.sort(values[labels == k, k])[count - rank]
    return ConformalRule(level, lowest, cases, needed)


def conformal_sets(rule: ConformalRule, probability: ArrayLike) -> BoolArray:
    """``(N, K)`` which classes each case's set holds: one is an answer, several mean "refer", none "like nothing seen".

    >>> conformal_sets(ConformalRule(0.9, np.array([0.6, 0.2]), np.array([9, 9]), 9), np.array([[.7, .3], [.5, .5]]))
    array([[ True,  True],
           [False,  True]])
    """
    values = probabilities(probability).astype(np.float64)
    if values.ndim != 2 or values.shape[1] != len(rule.lowest):
        raise StatisticsInputError(
            f"Expected probabilities (N, {len(rule.lowest)}), got {values.shape}.", "Use the classes of the rule."
        )
    return values >= rule.lowest
