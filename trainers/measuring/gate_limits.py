"""Which scores each system's gate uses, from which values it stops an image, and how well that works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.statistics import Interval, bootstrap_by_group, roc_auc, wilson
from core.systems.router import METHODS, Limit, Method, Router, excess
from core.weights.card import Metric
from trainers.data.router_data import UNSEEN, Shots, kinds, sources

STOPPED = 0.025  # share of the good validation scans that may be stopped: half of what is promised
RESAMPLES = 400


@dataclass(frozen=True, eq=False)
class Readings:
    """What the stored network says about the images of one part: features ``(N, F)`` and logits ``(N, kinds)``."""

    shots: Shots
    features: np.ndarray
    logits: np.ndarray


def own_kinds(system: str) -> tuple[str, ...]:
    """Kinds of images that a system reads."""
    return tuple(scan.kind for name, scan in sources() if name == system)


def limit_of(system: str, router: Router, readings: dict[str, Readings]) -> Limit:
    """Scores and thresholds of a system's gate, chosen on validation, with their figures on test.

    Of all scores and pairs of scores the one is taken that has the highest AUROC on validation; the thresholds stop
    2.5 % of the good scans there.
    """
    own = [kinds().index(kind) for kind in own_kinds(system)]
    chosen = readings["validation"]
    scores = router.scores(chosen.features, chosen.logits, own)
    real, wrong = _sides(chosen.shots, own)
    good = np.isin(chosen.shots.kinds, own)
    best: tuple[float, tuple[Method, ...]] | None = None
    compared: dict[str, float] = {}
    for names in [*((m,) for m in METHODS), *combinations(METHODS, 2)]:
        thresholds, spreads = _cut(scores, names, good)
        strange = excess(scores, thresholds, spreads)
        auroc = roc_auc(wrong[real | wrong], strange[real | wrong])
        compared[" + ".join(names)] = round(auroc, 4)
        if best is None or auroc > best[0]:  # of equals the first: fewer scores
            best = auroc, names
    assert best is not None
    thresholds, spreads = _cut(scores, best[1], good)
    return Limit(
        kinds=own_kinds(system),
        thresholds=thresholds,
        spreads=spreads,
        compared=compared,
        metrics=_figures(readings["test"], router, own, thresholds, spreads),
    )


def _sides(shots: Shots, own: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Real scans of the system, and wrong images; simulated scans of any kind are counted in neither."""
    mine, drawn = np.isin(shots.kinds, own), shots.families == "simulated"
    return mine & ~drawn, ~mine & ~drawn


def _cut(
    scores: dict[Method, np.ndarray], names: Sequence[Method], good: np.ndarray
) -> tuple[dict[Method, float], dict[Method, float]]:
    level = 1 - STOPPED / len(names)  # together they stop no more than the share
    thresholds = {m: float(np.quantile(scores[m][good], level)) for m in names}
    spreads = {m: max(float(np.subtract(*np.quantile(scores[m][good], [0.75, 0.25]))), 1e-6) for m in names}
    return thresholds, spreads


def _figures(
    test: Readings, router: Router, own: Sequence[int], thresholds: dict[Method, float], spreads: dict[Method, float]
) -> dict[str, Metric]:
    strange = excess(router.scores(test.features, test.logits, own), thresholds, spreads)
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
