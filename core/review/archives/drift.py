"""Whether incoming scores still look like those the model was calibrated on.

Two views: the two-sample Kolmogorov-Smirnov statistic (largest gap between the cumulative curves), with a p-value that
permutes whole patients, because slices of one patient are not independent; and the population stability index over the
deciles of the calibration set (0.1 and 0.25 are the customary marks, from credit scoring), less what chance alone
brings with so few scores. A shift says that scanner, protocol, patients or prevalence differ; not which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics import StatisticsInputError

MINIMUM_SCORES = 100
MINIMUM_GROUPS = 8
BINS = 10
PERMUTATIONS = 999
_MODERATE, _MAJOR, _LEVEL = 0.1, 0.25, 0.01


class Shift(StrEnum):
    """What the monitor says."""

    TOO_FEW = "too few to tell"
    NONE = "no shift seen"
    MODERATE = "shifted"
    MAJOR = "strongly shifted"


@dataclass(frozen=True)
class Drift:
    """Incoming scores against the calibration set.

    Attributes:
        ks: largest gap between the two cumulative curves, 0 to 1. p: its p-value, by permuting patients.
        psi: population stability index over deciles of the calibration scores; psi_chance: what it would be on
            average with these numbers of independent scores and no shift.
        n, groups: incoming scores and patients; reference_n, reference_groups: of the calibration set.
        mean, reference_mean: mean calibrated probability of a finding.
        sentence: what it comes to, for the page.
    """

    shift: Shift
    ks: float
    p: float
    psi: float
    psi_chance: float
    n: int
    groups: int
    reference_n: int
    reference_groups: int
    mean: float
    reference_mean: float
    sentence: str

    @property
    def warns(self) -> bool:
        """Whether the reader should be told before he trusts a threshold."""
        return self.shift in (Shift.MODERATE, Shift.MAJOR)


def drift(
    scores: ArrayLike,
    groups: ArrayLike,
    reference: ArrayLike,
    reference_groups: ArrayLike,
    *,
    minimum: int = MINIMUM_SCORES,
    seed: int = 0,
) -> Drift:
    """Compare incoming scores with those of the calibration set.

    Args:
        scores: ``(N,)`` calibrated probabilities of a finding; groups: ``(N,)`` patients.
        reference, reference_groups: the same of the calibration (validation) part.
        minimum: fewer incoming scores than this, or fewer than 8 patients on either side, are called too few.
    """
    new, old = _finite(scores, groups), _finite(reference, reference_groups)
    if not len(new[0]) or not len(old[0]):
        return _too_few(new, old, minimum)
    ks, p = _ks_by_group(new, old, seed)
    psi = stability_index(new[0], old[0])
    chance = (BINS - 1) * (1 / len(new[0]) + 1 / len(old[0]))
    n_groups, old_groups = len(np.unique(new[1])), len(np.unique(old[1]))
    if len(new[0]) < minimum or min(n_groups, old_groups) < MINIMUM_GROUPS:
        return _too_few(new, old, minimum, ks, p, psi, chance)
    shift = Shift.NONE
    if p < _LEVEL and psi - chance >= _MODERATE:
        shift = Shift.MAJOR if psi - chance >= _MAJOR else Shift.MODERATE
    told = Drift(
        *(shift, ks, p, psi, chance, len(new[0]), n_groups, len(old[0]), old_groups),
        *(float(new[0].mean()), float(old[0].mean()), ""),
    )
    return replace(told, sentence=_sentence(told))


def stability_index(scores: ArrayLike, reference: ArrayLike, bins: int = BINS) -> float:
    """Population stability index: sum over bins of (a - e) ln(a / e), bins being quantiles of the reference.

    Half a count is added to every bin, so that an empty one does not make it infinite.
    """
    new, old = np.asarray(scores, float), np.asarray(reference, float)
    edges = np.unique(np.quantile(old, np.linspace(0, 1, bins + 1)[1:-1]))
    actual = np.bincount(np.searchsorted(edges, new, side="right"), minlength=len(edges) + 1) + 0.5
    expected = np.bincount(np.searchsorted(edges, old, side="right"), minlength=len(edges) + 1) + 0.5
    a, e = actual / actual.sum(), expected / expected.sum()
    return float(((a - e) * np.log(a / e)).sum())


_Sample = tuple[NDArray[np.float64], NDArray[np.str_]]


def _finite(scores: ArrayLike, groups: ArrayLike) -> _Sample:
    values, names = np.asarray(scores, float).ravel(), np.asarray(groups).astype(str).ravel()
    if len(values) != len(names):
        raise StatisticsInputError(f"There are {len(values)} scores and {len(names)} groups.", "Pass one per score.")
    return values[np.isfinite(values)], names[np.isfinite(values)]


def _ks_by_group(new: _Sample, old: _Sample, seed: int) -> tuple[float, float]:
    """KS statistic, and the share of permutations of whole patients that reach it."""
    values = np.concatenate([new[0], old[0]])
    _, new_codes = np.unique(new[1], return_inverse=True)
    _, old_codes = np.unique(old[1], return_inverse=True)
    first = int(new_codes.max()) + 1
    codes = np.concatenate([new_codes, old_codes + first])
    order = np.argsort(values, kind="stable")
    codes = codes[order]
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)  # ties count together
    rng = np.random.default_rng(seed)
    total = int(codes.max()) + 1

    def gap(chosen: NDArray[np.bool_]) -> float:
        inside = chosen[codes]
        count = int(inside.sum())
        if count in (0, len(codes)):
            return 0.0
        curve = np.cumsum(np.where(inside, 1.0 / count, -1.0 / (len(codes) - count)))
        return float(np.abs(curve[ends]).max())

    own = np.arange(total) < first
    observed = gap(own)
    reached = sum(gap(rng.permutation(own)) >= observed - 1e-12 for _ in range(PERMUTATIONS))
    return observed, (reached + 1) / (PERMUTATIONS + 1)


def _too_few(
    new: _Sample,
    old: _Sample,
    minimum: int,
    ks: float = float("nan"),
    p: float = float("nan"),
    psi: float = float("nan"),
    chance: float = float("nan"),
) -> Drift:
    groups, old_groups = len(np.unique(new[1])), len(np.unique(old[1]))
    mean = float(new[0].mean()) if len(new[0]) else float("nan")
    old_mean = float(old[0].mean()) if len(old[0]) else float("nan")
    text = (
        f"Too few to tell: {len(new[0])} scores of {groups} patients came in, {len(old[0])} of {old_groups} are in the "
        f"calibration set; at least {minimum} scores and {MINIMUM_GROUPS} patients on either side are needed."
    )
    return Drift(Shift.TOO_FEW, ks, p, psi, chance, len(new[0]), groups, len(old[0]), old_groups, mean, old_mean, text)


def _sentence(told: Drift) -> str:
    counts = f"{told.n:,} scores of {told.groups} patients against {told.reference_n:,} of {told.reference_groups}"
    figures = f"KS {told.ks:.2f}, p {told.p:.3f} by patient; PSI {told.psi:.2f}, {told.psi_chance:.2f} by chance"
    if told.shift is Shift.NONE:
        return f"No shift seen: {counts} ({figures})."
    way = "higher" if told.mean > told.reference_mean else "lower"
    return (
        f"The scores have {told.shift.value} from the calibration set, to {way} values on average "
        f"({told.mean:.2f} instead of {told.reference_mean:.2f}): {counts} ({figures}). "
        "Scanner, protocol, patients or prevalence may differ; check the threshold on local cases before relying on it."
    )
