"""From which log odds each system's gate stops an image, and how well that works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics import Interval, bootstrap_by_group, roc_auc, wilson
from core.statistics.outlier import not_own
from core.systems.router import Limit
from core.weights.card import Metric
from trainers.data.router_data import UNSEEN, Shots, kinds, sources

RESAMPLES = 400
STEPS = 2000  # thresholds tried, at quantiles of the log odds
ALIKE, SPARE = 0.002, 0.01  # shares that differ by no more count as one; a share that may always be given up
FEW = 30  # a family of fewer images tells no share


@dataclass(frozen=True, eq=False)
class Readings:
    """What a network says about images: logits ``(N, kinds)``."""

    shots: Shots
    logits: np.ndarray


def own_kinds(system: str) -> tuple[str, ...]:
    """Kinds of images that a system reads."""
    return tuple(scan.kind for name, scan in sources() if name == system)


def limit_of(system: str, known: Readings, test: Readings) -> Limit:
    """A system's threshold, chosen on images that the network did not learn from, with its figures on test.

    Two things are promised, few good scans stopped and every kind of wrong image stopped. The threshold is the one at
    which the worse of the two (the share of good scans stopped, the share let through of the weakest kind) is smallest,
    or as much stricter as one good scan in a hundred allows.
    """
    own = [kinds().index(kind) for kind in own_kinds(system)]
    odds = not_own(known.logits, own)
    good, wrong = _sides(known.shots, own)
    families = [f for f in np.unique(known.shots.families[wrong]) if (wrong & (known.shots.families == f)).sum() >= FEW]
    weakest = [odds[wrong & (known.shots.families == family)] for family in families]
    tried = np.unique(np.quantile(odds[good | wrong], np.linspace(0, 1, STEPS)))
    worse = [max(float((odds[good] > cut).mean()), *(float((let <= cut).mean()) for let in weakest)) for cut in tried]
    # Of those as good, or good enough, the strictest: wrong images that nobody thought of lie nearer than these.
    threshold = float(tried[np.flatnonzero(np.array(worse) <= max(min(worse) + ALIKE, SPARE))[0]])
    spread = max(float(np.subtract(*np.quantile(odds[good], [0.75, 0.25]))), 1e-6)
    return Limit(
        kinds=own_kinds(system),
        threshold=threshold,
        spread=spread,
        metrics=_figures(test, own, threshold),
    )


def _sides(shots: Shots, own: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Real scans of the system, and wrong images; simulated scans of any kind are counted in neither."""
    mine, drawn = np.isin(shots.kinds, own), shots.families == "simulated"
    return mine & ~drawn, ~mine & ~drawn


def _figures(test: Readings, own: Sequence[int], threshold: float) -> dict[str, Metric]:
    strange = not_own(test.logits, own) - threshold
    good, wrong = _sides(test.shots, own)
    groups = test.shots.groups
    out = {
        "good_stopped": _metric(_share(strange[good] > 0, groups[good])),
        "auroc": _metric(_auroc(strange, good, wrong, groups)),
    }
    unseen = np.isin(test.shots.families, UNSEEN)
    out["auroc_unseen"] = _metric(_auroc(strange, good, unseen, groups))
    for family in np.unique(test.shots.families[wrong]):
        rows = wrong & (test.shots.families == family)
        out[f"stopped: {family}"] = _metric(_share(strange[rows] > 0, groups[rows]))
    return out


def _share(hits: np.ndarray, groups: np.ndarray) -> Interval:
    if len(np.unique(groups)) < 2:
        return wilson(int(hits.sum()), len(hits))
    return bootstrap_by_group(np.mean, [hits.astype(float)], groups, RESAMPLES)


def _auroc(strange: np.ndarray, good: np.ndarray, wrong: np.ndarray, groups: np.ndarray) -> Interval:
    rows = good | wrong
    # A drawn image is a group of its own; a patient's slices are one.
    names = np.where(np.isin(groups, np.unique(groups[good])), groups, [f"{g}-{n}" for n, g in enumerate(groups)])
    return bootstrap_by_group(roc_auc, [wrong[rows], strange[rows]], names[rows], RESAMPLES)


def _metric(found: Interval) -> Metric:
    low, high = (None if np.isnan(end) else float(end) for end in (found.low, found.high))
    return Metric(value=found.value, low=low, high=high, n=found.n, groups=found.groups, method=found.method)


def naming(test: Readings) -> dict[str, Metric]:
    """How often the named kind is right on real test scans, over all and by kind."""
    real = test.shots.families != "simulated"
    right = test.logits.argmax(1) == test.shots.kinds
    scans = real & (test.shots.kinds != len(sources()))
    out = {"kind_right": _metric(_share(right[scans], test.shots.groups[scans]))}
    for k, kind in enumerate(kinds()):
        rows = real & (test.shots.kinds == k)
        if rows.any():
            out[f"kind_right: {kind}"] = _metric(_share(right[rows], test.shots.groups[rows]))
    return out
