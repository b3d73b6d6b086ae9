"""Readers and cases drawn anew, both with replacement: intervals without the model of the analysis of variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import FloatArray, StatisticsInputError
from core.statistics.intervals import Interval, percentile
from core.statistics.reader_study import areas, checked

RESAMPLES = 2000


def area_difference(
    truth: ArrayLike,
    ratings: ArrayLike,
    first: int,
    second: int,
    n: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """First arm minus second, areas under the ROC curve averaged over readers, percentile interval.

    Args:
        truth: ``(cases,)`` 0/1. ratings: ``(arms, readers, cases)``. first, second: arms by index.

    Cases are drawn within their class, so that every resample has an area.
    """
    labels, table = checked(truth, ratings)
    figures, _ = areas(labels, table)
    rng = np.random.default_rng(seed)
    _, readers, _ = table.shape
    m, k = int(labels.sum()), int((~labels).sum())
    over_readers = rng.multinomial(readers, np.full(readers, 1 / readers), size=n) / readers
    over_positive = rng.multinomial(m, np.full(m, 1 / m), size=n) / m
    over_negative = rng.multinomial(k, np.full(k, 1 / k), size=n) / k
    gaps = np.zeros(n)
    for reader in range(readers):
        for arm, sign in ((first, 1), (second, -1)):
            one = table[arm, reader]
            gap = one[labels][:, None] - one[~labels][None]
            wins = np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
            area = ((over_positive @ wins) * over_negative).sum(axis=1)
            gaps += sign * over_readers[:, reader] * area
    value = float(figures[first].mean() - figures[second].mean())
    low, high = percentile(gaps, level)
    return Interval(value, low, high, len(labels), readers, _describe(readers, len(labels), n), level)


def mean(values: ArrayLike, n: int = RESAMPLES, seed: int = 0, level: float = 0.95) -> Interval:
    """Mean of a table ``(readers, cases)``, for example of changes, over readers and cases.

    Raises:
        StatisticsInputError: an empty table.
    """
    table: FloatArray = np.asarray(values, float)
    if table.ndim != 2 or not table.size:
        raise StatisticsInputError("No readings to average.", "Give one value for each reader and case.")
    readers, cases = table.shape
    rng = np.random.default_rng(seed)
    over_readers = rng.multinomial(readers, np.full(readers, 1 / readers), size=n) / readers
    over_cases = rng.multinomial(cases, np.full(cases, 1 / cases), size=n) / cases
    low, high = percentile(((over_readers @ table) * over_cases).sum(axis=1), level)
    return Interval(float(table.mean()), low, high, cases, readers, _describe(readers, cases, n), level)


def _describe(readers: int, cases: int, n: int) -> str:
    return f"bootstrap of {readers} readers and {cases} cases, {n} resamples"
