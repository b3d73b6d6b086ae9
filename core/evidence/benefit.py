"""How sure a decision curve is: net benefit over resampled groups."""

from __future__ import annotations

import numpy as np

from core.statistics.curves import Band
from core.statistics.intervals import describe, group_codes, group_weights, percentile
from core.weights.predictions import Part

THRESHOLDS = np.linspace(0.01, 0.99, 99)


def net_benefit_band(part: Part, n: int = 1000, seed: int = 0, level: float = 0.95) -> Band:
    """Interval of the net benefit at every threshold probability, drawing whole groups.

    The groups' true and false alarms at every threshold are counted once; a resample is a matrix product. A resample's
    net benefit is at its own share of findings, as that of the data is at theirs.
    """
    codes, count = group_codes(part.groups.tolist(), part.n)
    flagged = part.finding[:, None] >= THRESHOLDS[None]
    hits, alarms = np.zeros((count, len(THRESHOLDS))), np.zeros((count, len(THRESHOLDS)))
    np.add.at(hits, codes, flagged & part.truth[:, None])
    np.add.at(alarms, codes, flagged & ~part.truth[:, None])
    odds = THRESHOLDS / (1 - THRESHOLDS)
    low, high = np.full(len(THRESHOLDS), np.nan), np.full(len(THRESHOLDS), np.nan)
    if count > 1:
        sizes = np.bincount(codes, minlength=count)
        drawn = np.concatenate(
            [(w @ hits - odds * (w @ alarms)) / (w @ sizes)[:, None] for w in group_weights(count, n, seed)]
        )
        ends = [percentile(values, level) for values in drawn.T]
        low, high = np.array([e[0] for e in ends]), np.array([e[1] for e in ends])
    return Band(THRESHOLDS, low, high, part.n, count, describe(count, part.n, n), level)
