"""Bland-Altman: by how much two measurements of the same thing differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.statistics._checks import FloatArray, StatisticsInputError, same_length
from core.statistics.intervals import Interval


@dataclass(frozen=True, eq=False)
class BlandAltman:
    """Differences ``measured - reference`` against the mean of the two, in the unit of the measurements.

    Attributes:
        mean, difference: ``(N,)``.
        bias: mean difference. lower, upper: limits of agreement ``bias -+ 1.96 sd``: 95 % of single differences.
        sd: standard deviation of the differences (``ddof = 1``).
        trend: Spearman correlation of ``|difference|`` with the mean; far above 0, the error grows with the size and
            one pair of limits does not fit all. ``nan`` when it is undefined.
    """

    mean: FloatArray
    difference: FloatArray
    bias: Interval
    lower: Interval
    upper: Interval
    sd: float
    trend: float


def bland_altman(measured: ArrayLike, reference: ArrayLike, level: float = 0.95) -> BlandAltman:
    """Bias and limits of agreement with their intervals (Bland and Altman 1986, 1999).

    The interval of the bias is Student's; that of a limit uses the standard error ``sd sqrt(1/n + z^2 / (2 (n-1)))``.

    Args:
        measured, reference: ``(N,)`` independent things in one unit, for example tumour pixels of each patient.

    Raises:
        StatisticsInputError: unequal lengths, fewer than three pairs, NaN or infinity.

    >>> b = bland_altman([11, 12, 16], [10, 10, 10])
    >>> b.bias.value, round(b.sd, 4), round(b.upper.value, 3)
    (3.0, 2.6458, 8.186)
    """
    one, two = np.asarray(measured, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    n = same_length(measured=one, reference=two)
    if one.ndim != 1 or n < 3:
        raise StatisticsInputError(f"{n} pairs are too few for limits of agreement.", "Pass at least three pairs.")
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise StatisticsInputError("A measurement is NaN or infinite.", "Leave out what could not be measured.")
    difference, mean = one - two, (one + two) / 2
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t, z = float(stats.t.ppf((1 + level) / 2, n - 1)), float(stats.norm.ppf(0.975))
    around_limit = t * sd * float(np.sqrt(1 / n + z * z / (2 * (n - 1))))

    def interval(value: float, half: float, method: str) -> Interval:
        return Interval(value, value - half, value + half, n, n, method, level)

    varied = sd > 0 and float(np.ptp(mean)) > 0 and float(np.ptp(np.abs(difference))) > 0
    return BlandAltman(
        mean=mean,
        difference=difference,
        bias=interval(bias, t * sd / float(np.sqrt(n)), "Student's t"),
        lower=interval(bias - z * sd, around_limit, "Bland-Altman 1999"),
        upper=interval(bias + z * sd, around_limit, "Bland-Altman 1999"),
        sd=sd,
        trend=float(stats.spearmanr(mean, np.abs(difference)).statistic) if varied else float("nan"),
    )
