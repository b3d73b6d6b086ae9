"""Do readers read better with one arm than with another: the analysis of variance of Obuchowski and Rockette.

Readers and cases are both samples: other readers, reading other cases, would give other figures. The model of
Obuchowski and Rockette (1995) in the form of Hillis (2007; denominator degrees of freedom ``ddf_H``) allows for both.
The figure of merit is the area under the ROC curve; covariances come from DeLong's components or from the jackknife.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.statistics._checks import BoolArray, FloatArray, StatisticsInputError, binary_truth
from core.statistics.intervals import Interval


class To(StrEnum):
    """What the result holds for, beyond the readings themselves."""

    READERS_AND_CASES = "readers and cases"
    CASES = "cases"
    READERS = "readers"


@dataclass(frozen=True)
class Components:
    """What the figures scatter by.

    Attributes:
        error: variance of one reader's figure in one arm over samples of cases.
        same_reader: covariance of two arms read by one reader (``Cov1``).
        same_arm: covariance of two readers in one arm (``Cov2``). neither: different readers and arms (``Cov3``).
        reader, interaction: variance between readers and of reader by arm, estimates that may be negative.
    """

    error: float
    same_reader: float
    same_arm: float
    neither: float
    reader: float
    interaction: float


@dataclass(frozen=True)
class ArmsTest:
    """Test of "all arms are equal": ``F`` with ``df`` degrees of freedom, for fixed readers chi-square over its df."""

    statistic: float
    df: tuple[float, float]
    p: float


@dataclass(frozen=True)
class Difference:
    """First arm minus second, by index, with its interval."""

    first: int
    second: int
    interval: Interval
    p: float


@dataclass(frozen=True)
class ReaderStudy:
    """The analysis.

    Attributes:
        to: what it holds for. figures: ``(arms, readers)`` areas under the ROC curve.
        arms: each arm's mean over readers with its interval, from that arm alone.
        differences: every pair of arms. test: all arms at once. components: see there.
    """

    to: To
    figures: FloatArray
    arms: tuple[Interval, ...]
    differences: tuple[Difference, ...]
    test: ArmsTest
    components: Components


def areas(truth: ArrayLike, ratings: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Areas under the ROC curve of every arm and reader, and DeLong's covariances between them.

    Args:
        truth: ``(cases,)`` 0/1. ratings: ``(arms, readers, cases)``, higher is surer of a finding; every reader
            has read every case in every arm.

    Returns:
        ``(arms, readers)`` and ``(arms, readers, arms, readers)``.

    Raises:
        StatisticsInputError: a rating is missing, or a class has fewer than two cases.
    """
    labels, table = checked(truth, ratings)
    arms, readers, _ = table.shape
    positive, negative = table[..., labels], table[..., ~labels]
    m, k = positive.shape[-1], negative.shape[-1]
    together = stats.rankdata(np.concatenate([positive, negative], axis=-1), axis=-1)
    over_positive = (together[..., :m] - stats.rankdata(positive, axis=-1)) / k
    over_negative = 1 - (together[..., m:] - stats.rankdata(negative, axis=-1)) / m
    covariance = np.zeros((arms * readers, arms * readers))
    for part, count in ((over_positive, m), (over_negative, k)):
        covariance += np.atleast_2d(np.cov(part.reshape(arms * readers, count))) / count
    return over_positive.mean(axis=-1), covariance.reshape(arms, readers, arms, readers)


def jackknife(truth: ArrayLike, ratings: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """As ``areas``, with covariances from leaving out one case after the other."""
    labels, table = checked(truth, ratings)
    arms, readers, cases = table.shape
    figures, _ = areas(labels, table)
    if min(int(labels.sum()), int((~labels).sum())) < 3:
        raise StatisticsInputError("The jackknife needs three cases of each class.", "Add cases, or take `areas`.")
    left_out = np.stack([_auc(np.delete(labels, i), np.delete(table, i, axis=-1)) for i in range(cases)], axis=-1)
    flat = left_out.reshape(arms * readers, cases)
    deviation = flat - flat.mean(axis=1, keepdims=True)
    covariance = (cases - 1) / cases * (deviation @ deviation.T)
    return figures, covariance.reshape(arms, readers, arms, readers)


def compare(
    figures: ArrayLike, covariance: ArrayLike, to: To = To.READERS_AND_CASES, level: float = 0.95
) -> ReaderStudy:
    """The analysis of variance of a fully crossed study.

    Args:
        figures: ``(arms, readers)``. covariance: ``(arms, readers, arms, readers)``, from ``areas`` or ``jackknife``.

    Raises:
        StatisticsInputError: fewer than two arms or two readers.
    """
    table, shared = np.asarray(figures, float), np.asarray(covariance, float)
    if table.ndim != 2 or min(table.shape) < 2:
        raise StatisticsInputError(
            "A reader study needs at least two arms and two readers.", "Let a second reader read the same cases."
        )
    arms, readers = table.shape
    found = components(table, shared)
    mean_arm, mean_both = _mean_squares(table)
    extra = max(found.same_arm - found.neither, 0.0)
    nan = float("nan")
    if to is To.READERS_AND_CASES:
        error = mean_both + readers * extra
        df = error**2 / (mean_both**2 / ((arms - 1) * (readers - 1))) if mean_both > 0 else nan
    elif to is To.READERS:
        error, df = mean_both, float((arms - 1) * (readers - 1))
    else:
        error, df = found.error - found.same_reader + (readers - 1) * extra, float("inf")
    statistic = mean_arm / error if error > 0 else nan
    test = ArmsTest(statistic, (float(arms - 1), df), _upper(statistic, arms - 1, df))
    return ReaderStudy(
        to,
        table,
        tuple(_one_arm(table[i], shared[i, :, i, :], to, level) for i in range(arms)),
        tuple(_difference(table, i, j, error, df, level) for i, j in combinations(range(arms), 2)),
        test,
        found,
    )


def components(figures: FloatArray, covariance: FloatArray) -> Components:
    """Variance components of figures ``(arms, readers)`` with covariance ``(arms, readers, arms, readers)``."""
    arms, readers = figures.shape
    same_arm_ = np.eye(arms, dtype=bool)[:, None, :, None]
    same_reader_ = np.eye(readers, dtype=bool)[None, :, None, :]

    def mean(where: BoolArray) -> float:
        return float(covariance[np.broadcast_to(where, covariance.shape)].mean())

    error, one = mean(same_arm_ & same_reader_), mean(~same_arm_ & same_reader_)
    two, three = mean(same_arm_ & ~same_reader_), mean(~same_arm_ & ~same_reader_)
    _, mean_both = _mean_squares(figures)
    mean_reader = arms * float(((figures.mean(axis=0) - figures.mean()) ** 2).sum()) / (readers - 1)
    return Components(
        error,
        one,
        two,
        three,
        (mean_reader - mean_both) / arms - one + three,
        mean_both - error + one + two - three,
    )


def _mean_squares(table: FloatArray) -> tuple[float, float]:
    """Mean square of the arms, and of arm by reader."""
    arms, readers = table.shape
    by_arm, by_reader, whole = table.mean(axis=1), table.mean(axis=0), table.mean()
    rest = table - by_arm[:, None] - by_reader[None] + whole
    return (
        readers * float(((by_arm - whole) ** 2).sum()) / (arms - 1),
        float((rest**2).sum()) / ((arms - 1) * (readers - 1)),
    )


def _one_arm(figures: FloatArray, covariance: FloatArray, to: To, level: float) -> Interval:
    readers = len(figures)
    between = float(figures.var(ddof=1))
    error = float(np.diag(covariance).mean())
    shared = max(float(covariance[~np.eye(readers, dtype=bool)].mean()), 0.0)
    if to is To.READERS_AND_CASES:
        spread = between + readers * shared
        df = spread**2 / (between**2 / (readers - 1)) if between > 0 else float("inf")
    elif to is To.READERS:
        spread, df = between, float(readers - 1)
    else:
        spread, df = error + (readers - 1) * shared, float("inf")
    half = _quantile(level, df) * float(np.sqrt(spread / readers))
    return _interval(float(figures.mean()), half, readers, to, level)


def _difference(table: FloatArray, i: int, j: int, error: float, df: float, level: float) -> Difference:
    readers = table.shape[1]
    gap = float(table[i].mean() - table[j].mean())
    spread = float(np.sqrt(2 * error / readers)) if error >= 0 else float("nan")
    p = float(2 * _tail(abs(gap) / spread, df)) if spread > 0 else float("nan")
    return Difference(i, j, _interval(gap, _quantile(level, df) * spread, readers, None, level), p)


def _interval(value: float, half: float, readers: int, to: To | None, level: float) -> Interval:
    method = "Obuchowski-Rockette" if to is None else f"Obuchowski-Rockette, {to}"
    return Interval(value, value - half, value + half, readers, readers, method, level)


def _quantile(level: float, df: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2) if np.isinf(df) else stats.t.ppf((1 + level) / 2, df))


def _tail(value: float, df: float) -> float:
    return float(stats.norm.sf(value) if np.isinf(df) else stats.t.sf(value, df))


def _upper(statistic: float, first: float, second: float) -> float:
    return float(stats.chi2.sf(statistic * first, first) if np.isinf(second) else stats.f.sf(statistic, first, second))


def _auc(labels: BoolArray, table: FloatArray) -> FloatArray:
    m, k = int(labels.sum()), int((~labels).sum())
    ranks = stats.rankdata(table, axis=-1)[..., labels].sum(axis=-1)
    return np.asarray((ranks - m * (m + 1) / 2) / (m * k))


def checked(truth: ArrayLike, ratings: ArrayLike) -> tuple[BoolArray, FloatArray]:
    """Truth and ratings of a fully crossed study; raises ``StatisticsInputError`` where they are none."""
    labels, table = binary_truth(truth), np.asarray(ratings, float)
    if table.ndim != 3 or table.shape[-1] != len(labels):
        raise StatisticsInputError(
            f"Expected ratings of shape (arms, readers, {len(labels)}), got {table.shape}.",
            "Give one rating for each arm, reader and case.",
        )
    if not np.isfinite(table).all():
        raise StatisticsInputError(
            "A rating is missing or not finite: this analysis is for fully crossed studies.",
            "Keep the readers and cases that are complete.",
        )
    if min(int(labels.sum()), int((~labels).sum())) < 2:
        raise StatisticsInputError("A class has fewer than two cases.", "Add cases with and without a finding.")
    return labels, table
