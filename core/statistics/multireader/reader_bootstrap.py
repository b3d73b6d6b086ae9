"""Readers and cases drawn anew, both with replacement: intervals without the model of the analysis of variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import FloatArray, StatisticsInputError
from core.statistics.intervals import Interval, percentile
from core.statistics.multireader.split_plot import areas, blocks

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
        truth: ``(cases,)`` 0/1. ratings: ``(arms, readers, cases)``, NaN where a reader was not given a case.
        first, second: arms by index.

    Cases are drawn within their class and block, so that every resample has an area; readers within their block, or
    among all where every block has but one.
    """
    table = np.asarray(ratings, float)
    figures, _ = areas(truth, table)
    labels, found = np.asarray(truth, bool), blocks(table)
    rng = np.random.default_rng(seed)
    readers, gaps = table.shape[1], np.zeros(n)
    together = _drawn(rng, readers, n) if all(len(block.readers) == 1 for block in found) else None
    for block in found:
        over_readers = _drawn(rng, len(block.readers), n) if together is None else together[:, block.readers]
        mine = labels[block.cases]
        over_positive = _drawn(rng, int(mine.sum()), n) / mine.sum()
        over_negative = _drawn(rng, int((~mine).sum()), n) / (~mine).sum()
        for place, reader in enumerate(block.readers):
            for arm, sign in ((first, 1), (second, -1)):
                one = table[arm, reader, block.cases]
                gap = one[mine][:, None] - one[~mine][None]
                wins = np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
                area = ((over_positive @ wins) * over_negative).sum(axis=1)
                gaps += sign * over_readers[:, place] / readers * area
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
    over_readers, over_cases = _drawn(rng, readers, n) / readers, _drawn(rng, cases, n) / cases
    low, high = percentile(((over_readers @ table) * over_cases).sum(axis=1), level)
    return Interval(float(table.mean()), low, high, cases, readers, _describe(readers, cases, n), level)


def _drawn(rng: np.random.Generator, count: int, n: int) -> FloatArray:
    """How often each of ``count`` is drawn, in ``n`` resamples."""
    return rng.multinomial(count, np.full(count, 1 / count), size=n).astype(float)


def _describe(readers: int, cases: int, n: int) -> str:
    return f"bootstrap of {readers} readers and {cases} cases, {n} resamples"
