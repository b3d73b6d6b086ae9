"""How far features that know nothing of anatomy get: the bar under every model of the set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.statistics import roc_auc, weighted
from core.statistics.weighted import bootstrap_weighted

HIGHER = "higher in positives"
LOWER = "lower in positives"
NONE = "constant"


@dataclass(frozen=True)
class Shortcut:
    """AUC of one trivial feature, whichever way it points.

    Attributes:
        name: of the feature. auc: ``max(auc, 1 - auc)``, in [0.5, 1]. direction: which way.
        low, high: interval in that direction, by group; it may reach below 0.5.
        distinct_auc: the same direction with every picture counted once: can be below 0.5.
    """

    name: str
    auc: float
    low: float
    high: float
    direction: str
    distinct_auc: float


def _first_of_each(sha256: NDArray[np.str_]) -> NDArray[np.intp]:
    return np.sort(np.unique(sha256, return_index=True)[1])


def shortcut_baselines(
    features: Mapping[str, NDArray[np.float64]],
    positive: NDArray[np.bool_],
    sha256: NDArray[np.str_],
    groups: NDArray[Any] | None = None,
    n: int = 1000,
    seed: int = 0,
) -> tuple[Shortcut, ...]:
    """AUC of every feature for the positive class, strongest first.

    Args:
        features: ``(N,)`` each. positive: ``(N,)``. sha256: ``(N,)``, tells copies. groups: ``(N,)`` patients.
        n: resamples. seed: of the bootstrap.
    """
    single = _first_of_each(sha256)
    found = []
    for name, values in features.items():
        auc = roc_auc(positive, values)
        turn = 1.0 if not auc < 0.5 else -1.0
        interval = bootstrap_weighted(weighted.auc(positive, turn * values), len(values), groups, n, seed)
        direction = NONE if np.ptp(values) == 0 else HIGHER if turn > 0 else LOWER
        distinct = roc_auc(positive[single], turn * values[single])
        found.append(Shortcut(name, interval.value, interval.low, interval.high, direction, distinct))
    return tuple(sorted(found, key=lambda s: (-s.auc if np.isfinite(s.auc) else 0.0, s.name)))


def combined_shortcut(
    features: Mapping[str, NDArray[np.float64]],
    positive: NDArray[np.bool_],
    groups: NDArray[Any],
    seed: int = 0,
    folds: int = 5,
) -> float:
    """AUC of a logistic regression on all features together, cross-validated by group.

    Every case is scored by a model that saw none of its group. The AUC is taken within each fold and averaged over the
    folds by size: pooled scores would let the different offsets of the folds pass for skill or hide it.

    Returns:
        Value in [0, 1]; ``nan`` when a class has fewer than ``folds`` groups.
    """
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    if min(len(np.unique(codes[positive])), len(np.unique(codes[~positive]))) < folds:
        return float("nan")
    table = np.stack(list(features.values()), axis=1)
    aucs, weights = [], []
    for train, test in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(table, positive, codes):
        if len(np.unique(positive[train])) < 2 or len(np.unique(positive[test])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
        model.fit(table[train], positive[train])
        aucs.append(roc_auc(positive[test], model.decision_function(table[test])))
        weights.append(len(test))
    return float(np.average(aucs, weights=weights)) if aucs else float("nan")
