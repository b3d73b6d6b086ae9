"""Reads needed to find one relevant miss: what the list promises, corrected by what the reviews found.

The ranked list is cut into tenths. Before any read, a tenth's rate of misses is what the discrepancy scores say, worth
five reads (a beta prior); every finished read in it counts as one more observation (beta-binomial). What the reads in
the other tenths found, against what the scores promised there, corrects the prior first: scores that promise ten times
too much do so everywhere. Within a tenth the scores keep their order, scaled so that their mean is the tenth's rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.typing import NDArray

from core.review.archives.sums import FEWEST_HIDDEN

PRIOR_READS = 5.0
TENTHS = 10
LEVEL = 0.95
_DRAWS = 2000
_POINTS = 60
_LEAST_RATE = 1e-4


@dataclass(frozen=True)
class Tenth:
    """One tenth of the list, from rank ``first`` to ``last`` (1 is the top).

    Attributes:
        reads, misses: finished reads in it, and the relevant misses among them.
        promised: rate of misses the scores promise. prior: the same, corrected by the reads in other tenths.
        rate, low, high: after its own reads too, with a 95 % credible interval.
    """

    first: int
    last: int
    reads: int
    misses: int
    promised: float
    prior: float
    rate: float
    low: float
    high: float

    @property
    def reads_per_miss(self) -> float:
        """Reads needed to find one relevant miss here."""
        return 1 / self.rate

    @property
    def reads_low(self) -> float:
        """Fewest reads that the interval allows."""
        return 1 / self.high

    @property
    def reads_high(self) -> float:
        """Most reads that the interval allows."""
        return 1 / self.low


@dataclass(frozen=True)
class Point:
    """After ``depth`` cases from the top: misses expected among them, and reads needed for one, with 95 % intervals."""

    depth: int
    misses: float
    misses_low: float
    misses_high: float
    reads_per_miss: float
    low: float
    high: float


@dataclass(frozen=True)
class YieldCurve:
    """The whole curve.

    Attributes:
        tenths: the list in tenths (fewer where the list has fewer than ten cases).
        points: cumulative from the top, at most 60 depths; while cases are blind, at the ends of the tenths only.
            Tenths and points are empty where one tenth has blind cases, but fewer than 20.
        reads, misses: finished reads and the relevant misses among them.
        expected: misses that the scores alone promised among those very reads, to hold against ``misses``.
        unranked: reads per miss when reading in no order, by the same estimate.
        sentence: what it comes to.
    """

    tenths: tuple[Tenth, ...]
    points: tuple[Point, ...]
    reads: int
    misses: int
    expected: float
    unranked: float
    sentence: str


def yield_curve(
    scores: Sequence[float], outcomes: Sequence[bool | None], *, blind: Sequence[bool] | None = None, seed: int = 0
) -> YieldCurve:
    """Estimate the curve.

    Args:
        scores: ``(N,)`` in list order, the top first: probability between 0 and 1 that the recorded label misses
            something relevant.
        outcomes: ``(N,)`` what a finished read found: a relevant miss, none, or ``None`` for not yet read.
        blind: ``(N,)`` which cases are still blind for whoever is to see the curve; none by default. Others' reads of
            fewer than 20 of them in a tenth do not count.

    Raises:
        ValueError: lengths differ, or a score is no probability.
    """
    p = np.asarray(scores, dtype=float)
    if len(p) != len(outcomes) or not np.isfinite(p).all() or ((p < 0) | (p > 1)).any():
        raise ValueError("yield_curve needs one probability between 0 and 1, and one outcome, per case")
    if not len(p):
        return YieldCurve((), (), 0, 0, 0.0, float("nan"), "The list is empty.")
    p = np.clip(p, _LEAST_RATE, 1 - _LEAST_RATE)
    read = np.array([o is not None for o in outcomes])
    missed = np.array([bool(o) for o in outcomes])
    parts = np.array_split(np.arange(len(p)), min(TENTHS, len(p)))
    hidden = np.zeros(len(p), dtype=bool) if blind is None else np.asarray(blind, dtype=bool)
    for part in parts:  # what others found on a few cases is held against what the scores promised on just those
        of_others = part[hidden[part] & read[part]]
        if len(of_others) < FEWEST_HIDDEN:
            read[of_others] = missed[of_others] = False
    tenths = tuple(_tenth(p, read, missed, part) for part in parts)
    reads, misses = int(read.sum()), int(missed.sum())
    depths = (
        np.array([tenth.last for tenth in tenths])  # between them the steps are single cases' own scores
        if hidden.any()
        else np.unique(np.geomspace(1, len(p), min(_POINTS, len(p))).round().astype(int))
    )
    points, unranked = _points(p, parts, tenths, depths, seed)
    expected = float(p[read].sum())
    if any(0 < hidden[part].sum() < FEWEST_HIDDEN for part in parts):
        return YieldCurve((), (), reads, misses, expected, unranked, _in_sum(unranked, reads, misses))
    return YieldCurve(
        tenths, points, reads, misses, expected, unranked, _sentence(tenths[0], unranked, reads, misses, expected)
    )


def _tenth(p: NDArray[np.float64], read: NDArray[np.bool_], missed: NDArray[np.bool_], part: NDArray[np.intp]) -> Tenth:
    promised = float(p[part].mean())
    n, k = int(read[part].sum()), int(missed[part].sum())
    # One miss in one promised is taken for granted, so that a single read elsewhere does not turn the list round.
    elsewhere = (1 + missed.sum() - k) / (1 + p[read].sum() - p[part][read[part]].sum())
    prior = float(np.clip(promised * elsewhere, _LEAST_RATE, 1 - _LEAST_RATE))
    a, b = prior * PRIOR_READS + k, (1 - prior) * PRIOR_READS + n - k
    low, high = scipy.stats.beta.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], a, b)
    return Tenth(
        int(part[0]) + 1, int(part[-1]) + 1, n, k, promised, prior, a / (a + b), max(float(low), 1e-9), float(high)
    )


def _points(
    p: NDArray[np.float64],
    parts: list[NDArray[np.intp]],
    tenths: tuple[Tenth, ...],
    depths: NDArray[np.intp],
    seed: int,
) -> tuple[tuple[Point, ...], float]:
    """Cumulative misses at chosen depths, with the spread of 2,000 draws of the tenths' rates."""
    weight = np.concatenate([p[part] / p[part].mean() for part in parts])
    tenth_of = np.concatenate([np.full(len(part), i) for i, part in enumerate(parts)])
    mean = np.cumsum(weight * np.array([t.rate for t in tenths])[tenth_of])
    a = np.array([t.prior * PRIOR_READS + t.misses for t in tenths])
    b = np.array([(1 - t.prior) * PRIOR_READS + t.reads - t.misses for t in tenths])
    drawn = np.random.default_rng(seed).beta(a, b, size=(_DRAWS, len(tenths)))
    # weight of each tenth among the first `depth` cases: (depths, tenths)
    share = np.stack([np.bincount(tenth_of[:d], weights=weight[:d], minlength=len(tenths)) for d in depths])
    low, high = np.quantile(drawn @ share.T, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    points = tuple(
        Point(
            *(int(d), float(mean[d - 1]), float(low[i]), float(high[i])),
            *(float(d / mean[d - 1]), float(d / max(high[i], 1e-9)), float(d / max(low[i], 1e-9))),
        )
        for i, d in enumerate(depths)
    )
    return points, float(len(p) / mean[-1])


def _sentence(top: Tenth, unranked: float, reads: int, misses: int, expected: float) -> str:
    so_far = (
        f"{reads} reads so far found {misses} relevant {'miss' if misses == 1 else 'misses'}; the scores alone "
        f"promised {expected:.1f} among them."
        if reads
        else "No read is finished yet: this rests on the scores alone."
    )
    return (
        f"In the first tenth of the list about {_whole(top.reads_per_miss)} reads find one relevant miss "
        f"(95 % interval {_whole(top.reads_low)} to {_whole(top.reads_high)}); "
        f"in no order it would be about {_whole(unranked)}. {so_far}"
    )


def _in_sum(unranked: float, reads: int, misses: int) -> str:
    """What may be said while single tenths would tell of single cases."""
    so_far = f"{reads} reads so far found {misses} relevant {'miss' if misses == 1 else 'misses'}. " if reads else ""
    return (
        f"In no order about {_whole(unranked)} reads find one relevant miss. {so_far}The curve along the list comes "
        f"when you have given your opinion on more cases: a tenth of it with fewer than {FEWEST_HIDDEN} blind ones "
        "would give away the models' answers for them."
    )


def _whole(reads: float) -> str:
    if reads < 9.95:
        return f"{reads:.1f}"
    return f"{round(reads):,}" if reads < 1000 else "over 1,000"
