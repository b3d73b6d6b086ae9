"""Decision curve: whether acting on a model does more good than treating all or none (Vickers and Elkin 2006)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import FloatArray, StatisticsInputError, binary_truth, probabilities, same_length


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit per case over threshold probabilities.

    Attributes:
        threshold: ``(M,)`` probability from which on one would act; its odds say how many false alarms one true
            finding is worth.
        model, treat_all: ``(M,)`` net benefit in true findings per case; treating none is 0 everywhere.
        prevalence: share of positives it is computed for.
    """

    threshold: FloatArray
    model: FloatArray
    treat_all: FloatArray
    prevalence: float
    n: int


def decision_curve(
    truth: ArrayLike, probability: ArrayLike, thresholds: ArrayLike | None = None, prevalence: float | None = None
) -> DecisionCurve:
    """``net benefit = prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * t / (1 - t)``.

    Args:
        truth: ``(N,)`` 0/1. probability: ``(N,)`` calibrated, in [0, 1]: acting at ``t`` needs honest probabilities.
        thresholds: ``(M,)`` in (0, 1); 0.01 to 0.99 by default.
        prevalence: in (0, 1); by default the share of positives among the cases: ``tp / n - fp / n * t / (1 - t)``.

    Raises:
        StatisticsInputError: one class missing, thresholds or prevalence outside (0, 1), unequal lengths.

    >>> c = decision_curve([1, 1, 0, 0], [0.9, 0.6, 0.7, 0.1], [0.5])
    >>> c.model.tolist(), c.treat_all.tolist()
    ([0.25], [0.0])
    """
    labels, values = binary_truth(truth), probabilities(probability).astype(np.float64)
    n = same_length(truth=labels, probability=values)
    at = np.linspace(0.01, 0.99, 99) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    if labels.all() or not labels.any():
        raise StatisticsInputError("Net benefit needs positive and negative cases.", "Choose a part with both.")
    share = float(labels.mean()) if prevalence is None else float(prevalence)
    if not (0 < share < 1 and bool(((at > 0) & (at < 1)).all())):
        raise StatisticsInputError("Thresholds and prevalence must lie between 0 and 1.", "Leave the ends out.")
    hit = _share_from(values[labels], at)
    alarm = _share_from(values[~labels], at)
    odds = at / (1 - at)
    return DecisionCurve(
        threshold=at,
        model=share * hit - (1 - share) * alarm * odds,
        treat_all=share - (1 - share) * odds,
        prevalence=share,
        n=n,
    )


def _share_from(values: FloatArray, at: FloatArray) -> FloatArray:
    """``(M,)`` share of the values at or above each threshold."""
    return 1 - np.searchsorted(np.sort(values), at, side="left") / len(values)
