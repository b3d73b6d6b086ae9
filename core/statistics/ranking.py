"""Area under the ROC curve: how often a positive case scores above a negative one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import BoolArray, FloatArray, binary_truth, same_length, scores


def roc_auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve, ties counted half.

    ``AUC = P(s+ > s-) + P(s+ = s-) / 2`` over all pairs of a positive and a negative case (Hanley and McNeil 1982).

    Args:
        truth: ``(N,)``, 1 for the positive class.
        score: ``(N,)`` floating scores, higher = more suspicious; any monotone scale.

    Returns:
        Value in [0, 1]; ``nan`` when one class is missing.

    Raises:
        StatisticsInputError: a ``ValueError``, for integer or boolean scores (predicted labels), NaN, unequal lengths.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    labels, values = binary_truth(truth), scores(score)
    same_length(truth=labels, score=values)
    ones = np.ones((1, len(labels)))
    return float(weighted_roc_auc(labels, values, ones)[0])


def weighted_roc_auc(truth: BoolArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    """AUC of every row of case weights at once: the sort is shared, each row costs ``O(N)``.

    Args:
        truth: ``(N,)`` booleans.
        score: ``(N,)`` floats.
        weights: ``(R, N)`` non-negative; an integer weight counts a case that many times.

    Returns:
        ``(R,)`` values, ``nan`` where a row has no positive or no negative weight.
    """
    if len(truth) == 0:
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    positive = np.add.reduceat(weights[:, order] * truth[order], starts, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~truth[order], starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
