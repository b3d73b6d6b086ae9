"""Operating points, chosen on validation data, each with its rule in words and an interval by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import (
    BoolArray,
    FloatArray,
    IntArray,
    StatisticsInputError,
    binary_truth,
    probabilities,
    same_length,
)
from core.statistics.intervals import describe, group_codes, group_weights, percentile

# Picks one candidate a row from (R, K) sensitivities and specificities, candidates by rising threshold.
_Rule = Callable[[FloatArray, FloatArray], IntArray]


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold on the probability (``>=`` says finding) and where it comes from.

    Attributes:
        value: in [0, 1]. low, high: percentile interval over resampled groups.
        rule: in words. n, groups: what it was chosen on.
        sensitivity, specificity: at ``value`` on the same data: optimistic, report them on the test part.
    """

    value: float
    low: float
    high: float
    rule: str
    n: int
    groups: int
    sensitivity: float
    specificity: float
    method: str


def _cuts(values: FloatArray) -> FloatArray:
    """``(K,)`` rising thresholds, each half way below a distinct value, so that small noise does not flip a case."""
    distinct = np.unique(values)
    cuts = distinct.copy()
    cuts[1:] = (distinct[:-1] + distinct[1:]) / 2
    # Half way between neighbouring floats may round to the lower one, which would take its cases in.
    stuck = np.concatenate(([False], cuts[1:] <= distinct[:-1]))
    return np.where(stuck, distinct, cuts)


def _operating_points(labels: BoolArray, values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sensitivity and specificity ``(R, K)`` at every cut, for every row of case weights ``(R, N)``."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    positive = np.add.reduceat(weights[:, order] * labels[order], starts, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~labels[order], starts, axis=1)
    missed = np.cumsum(positive, axis=1) - positive
    cleared = np.cumsum(negative, axis=1) - negative
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity = 1 - missed / positive.sum(axis=1, keepdims=True)
        specificity = cleared / negative.sum(axis=1, keepdims=True)
    return sensitivity, specificity


def _choose(
    rule: _Rule,
    text: str,
    truth: ArrayLike,
    probability: ArrayLike,
    groups: Sequence[Any] | NDArray[Any] | None,
    n: int,
    seed: int,
    level: float,
) -> ThresholdChoice:
    labels, values = binary_truth(truth), probabilities(probability).astype(np.float64)
    same_length(truth=labels, probability=values)
    if labels.all() or not labels.any():
        raise StatisticsInputError(
            "A threshold needs positive and negative cases.", "Choose a validation part that holds both."
        )
    cuts = _cuts(values)
    sensitivity, specificity = _operating_points(labels, values, np.ones((1, len(labels))))
    best = int(rule(sensitivity, specificity)[0])
    codes, count = group_codes(groups, len(labels))
    rows = max(1, 500_000 // len(labels))
    drawn: list[FloatArray] = []
    for block in group_weights(count, n, seed):
        for start in range(0, len(block), rows):
            weights = block[start : start + rows][:, codes]
            both = (weights @ labels > 0) & (weights @ ~labels > 0)
            picked = np.full(len(weights), np.nan)
            if both.any():
                picked[both] = cuts[rule(*_operating_points(labels, values, weights[both]))]
            drawn.append(picked)
    low, high = percentile(np.concatenate(drawn), level) if drawn else (float("nan"), float("nan"))
    return ThresholdChoice(
        value=float(cuts[best]),
        low=low,
        high=high,
        rule=text,
        n=len(labels),
        groups=count,
        sensitivity=float(sensitivity[0, best]),
        specificity=float(specificity[0, best]),
        method=describe(count, len(labels), n),
    )


def _highest_sum(sensitivity: FloatArray, specificity: FloatArray) -> IntArray:
    # Ties go to the lower threshold: a miss costs more than a second look. Rounding keeps equal sums equal.
    return np.argmax(np.round(sensitivity + specificity, 12), axis=1)


def youden(
    truth: ArrayLike,
    probability: ArrayLike,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ThresholdChoice:
    """Threshold of the largest ``J = sensitivity + specificity - 1`` (Youden 1950); ties go to the lower one.

    Args:
        truth: ``(N,)`` 0/1. probability: ``(N,)`` in [0, 1]. groups: ``(N,)`` patients, drawn whole.

    Raises:
        StatisticsInputError: one class missing, values outside [0, 1], unequal lengths.

    >>> youden([0, 0, 1, 1], [0.1, 0.3, 0.5, 0.9], n=10).value
    0.4
    """
    text = "largest sensitivity + specificity - 1 (Youden) on the validation part"
    return _choose(_highest_sum, text, truth, probability, groups, n, seed, level)


def balanced_accuracy_optimum(
    truth: ArrayLike,
    probability: ArrayLike,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ThresholdChoice:
    """Threshold of the largest balanced accuracy ``(J + 1) / 2``: the same cut as :func:`youden`, named otherwise."""
    return _choose(
        _highest_sum, "largest balanced accuracy on the validation part", truth, probability, groups, n, seed, level
    )


def at_sensitivity(
    truth: ArrayLike,
    probability: ArrayLike,
    target: float = 0.95,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ThresholdChoice:
    """Highest threshold whose sensitivity on the validation part is at least ``target`` (in (0, 1]).

    Raises:
        StatisticsInputError: target outside (0, 1], one class missing, values outside [0, 1], unequal lengths.

    >>> at_sensitivity([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], target=1.0, n=10).specificity
    0.5
    """
    if not 0 < target <= 1:
        raise StatisticsInputError(f"Sensitivity {target} asked for.", "Ask for a share above 0 and at most 1.")

    def rule(sensitivity: FloatArray, specificity: FloatArray) -> IntArray:
        # Sensitivity falls along the cuts, so the last one that still reaches the target is the highest threshold.
        return (sensitivity >= target - 1e-12).sum(axis=1) - 1

    text = f"highest threshold with sensitivity >= {target:g} on the validation part"
    return _choose(rule, text, truth, probability, groups, n, seed, level)
