"""Intervals: a bootstrap that resamples whole patients, and Wilson's for a plain proportion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded where they are first used: the first page of a server needs none
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import FloatArray, IntArray, StatisticsInputError, binary_truth, same_length, scores
from core.statistics.ranking import roc_auc, weighted_roc_auc

Statistic = Callable[..., float]
_BLOCK_CELLS = 1_000_000  # resamples x cases held at once: about 8 MB an array


@dataclass(frozen=True)
class Interval:
    """A figure with its interval, what it rests on and how the interval was made.

    Attributes:
        value: the statistic on all cases.
        low, high: ends of the interval; ``nan`` when it cannot be computed.
        n: cases. groups: independent units resampled (patients).
        method: in words.
    """

    value: float
    low: float
    high: float
    n: int
    groups: int
    method: str
    level: float = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """Difference of a statistic between two models on the same cases.

    Attributes:
        difference: ``first - second`` with its interval.
        first, second: the statistic of each.
        p: two-sided: twice the smaller share of resamples on one side of 0 (at least ``2 / (n + 1)``).
    """

    difference: Interval
    first: float
    second: float
    p: float


def group_codes(groups: Sequence[Any] | NDArray[Any] | None, n: int) -> tuple[IntArray, int]:
    """``(N,)`` group indices and their number; without groups every case is its own."""
    if groups is None:
        return np.arange(n), n
    array = np.asarray(groups)
    if len(array) != n:
        raise StatisticsInputError(f"{len(array)} groups for {n} cases.", "Pass the group of every case.")
    _, codes = np.unique(array, return_inverse=True)
    return codes.reshape(-1), int(codes.max()) + 1 if n else 0


def group_weights(count: int, n: int, seed: int | np.random.Generator) -> list[FloatArray]:
    """``n`` draws of ``count`` groups with replacement, as counts: blocks of ``(rows, count)``."""
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK_CELLS // max(count, 1))
    even = np.full(count, 1 / count)
    return [rng.multinomial(count, even, size=min(rows, n - start)).astype(np.float64) for start in range(0, n, rows)]


def _resample(
    statistic: Statistic, arrays: Sequence[NDArray[Any]], codes: IntArray, count: int, n: int, seed: int
) -> FloatArray:
    """``(n,)`` values of the statistic on resampled groups."""
    cases = np.arange(len(codes))
    values: list[FloatArray] = []
    for block in group_weights(count, n, seed):
        if statistic is roc_auc:
            rows = max(1, _BLOCK_CELLS // len(codes))
            truth, score = binary_truth(arrays[0]), scores(arrays[1])
            parts = [weighted_roc_auc(truth, score, block[i : i + rows][:, codes]) for i in range(0, len(block), rows)]
            values.append(np.concatenate(parts))
            continue
        out = np.empty(len(block))
        for row, weights in enumerate(block.astype(np.intp)):
            drawn = np.repeat(cases, weights[codes])
            out[row] = statistic(*(array[drawn] for array in arrays))
        values.append(out)
    return np.concatenate(values)


def percentile(values: FloatArray, level: float) -> tuple[float, float]:
    """Percentile interval of the defined values; ``nan`` when fewer than half are defined."""
    defined = values[np.isfinite(values)]
    if len(defined) < max(2, len(values) / 2):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def describe(count: int, cases: int, n: int) -> str:
    """The bootstrap in words."""
    unit = "groups" if count < cases else "cases"
    return f"percentile bootstrap, {n} resamples of {count} {unit}"


def _prepare(
    arrays: Sequence[ArrayLike], groups: Sequence[Any] | NDArray[Any] | None, n: int
) -> tuple[list[NDArray[Any]], IntArray, int]:
    taken = [np.asarray(array) for array in arrays]
    if not taken or not len(taken[0]):
        raise StatisticsInputError("No cases to resample.", "Pass at least one case.")
    same_length(**{f"array {i}": array for i, array in enumerate(taken)})
    if n < 1:
        raise StatisticsInputError(f"{n} resamples asked for.", "Ask for at least 1, better 1000.")
    codes, count = group_codes(groups, len(taken[0]))
    return taken, codes, count


def bootstrap_by_group(
    statistic: Statistic,
    arrays: Sequence[ArrayLike],
    groups: Sequence[Any] | NDArray[Any] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap that draws whole groups with replacement (cluster bootstrap, Field and Welsh 2007).

    Slices of one patient are alike, so an interval over slices is too narrow; the patient is what is drawn.
    Resamples without one of the classes give ``nan`` and are left out; with a single group the ends are ``nan``. Like
    any percentile bootstrap it cannot see past perfect data: an AUC of 1 gets the interval [1, 1]; see
    :mod:`core.statistics.perfect`. ``roc_auc`` itself takes a fast way with the same result: case weights over one
    shared sort.

    Args:
        statistic: called with the arrays, returns a float.
        arrays: one or more, first axis ``N``.
        groups: ``(N,)`` any comparable values; ``None`` draws single cases.
        n: resamples. seed: of the generator. level: of the interval, in (0, 1).

    Raises:
        StatisticsInputError: no cases, unequal lengths.
    """
    taken, codes, count = _prepare(arrays, groups, n)
    value = float(statistic(*taken))
    # One group would always draw itself: an interval of no width, which is a claim, not an unknown.
    nothing = (float("nan"), float("nan"))
    low, high = percentile(_resample(statistic, taken, codes, count, n, seed), level) if count > 1 else nothing
    return Interval(value, low, high, len(codes), count, describe(count, len(codes), n), level)


def paired_bootstrap(
    statistic: Statistic,
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    groups: Sequence[Any] | NDArray[Any] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> PairedDifference:
    """Difference of a statistic between two models on the same cases, both on the same resampled groups.

    Args:
        first, second: the arrays of each model, row ``i`` the same case in both.

    Raises:
        StatisticsInputError: no cases, unequal lengths.
    """
    one, codes, count = _prepare(first, groups, n)
    two, _, _ = _prepare(second, groups, n)
    same_length(first=one[0], second=two[0])
    # The same seed draws the same groups for both, which is what makes the comparison paired.
    drawn = _resample(statistic, one, codes, count, n, seed) - _resample(statistic, two, codes, count, n, seed)
    low, high = percentile(drawn, level)
    a, b = float(statistic(*one)), float(statistic(*two))
    defined = drawn[np.isfinite(drawn)]
    tail = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(defined) + 1)) if len(defined) else float("nan")
    method = "paired " + describe(count, len(codes), n)
    return PairedDifference(Interval(a - b, low, high, len(codes), count, method, level), a, b, p)


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson score interval of a proportion of independent cases (Wilson 1927); ``nan`` for ``n = 0``.

    >>> i = wilson(8, 10)
    >>> round(i.low, 4), round(i.high, 4)
    (0.4902, 0.9433)
    """
    if not 0 <= successes <= n:
        raise StatisticsInputError(f"{successes} of {n} is no proportion.", "Pass 0 <= successes <= n.")
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0, 0, "Wilson score", level)
    z = float(scipy.stats.norm.ppf((1 + level) / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    # Rounding must not push the exact ends 0 and 1 outside the share itself.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(share, low, high, n, n, "Wilson score", level)
