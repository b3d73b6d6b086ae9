"""Several classes: recall of each, confusion, one against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import FloatArray, IntArray, StatisticsInputError, class_truth, probabilities, same_length
from core.statistics.ranking import roc_auc


@dataclass(frozen=True, eq=False)
class MulticlassRates:
    """Figures of a model with ``K`` classes, answered by the largest probability.

    Attributes:
        confusion: ``(K, K)`` counts, row = truth, column = answer.
        recall: ``(K,)`` share of each class answered right; ``nan`` for a class without cases.
        macro_recall: mean recall over the classes that have cases (= balanced accuracy).
        accuracy: share of right answers.
        auc: ``(K,)`` AUC of each class against the rest; ``nan`` where a side is empty.
        macro_auc: mean of the defined ones.
    """

    confusion: IntArray
    recall: FloatArray
    macro_recall: float
    accuracy: float
    auc: FloatArray
    macro_auc: float


def _mean(values: FloatArray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def multiclass(truth: ArrayLike, probability: ArrayLike) -> MulticlassRates:
    """Rates of a model with several classes.

    Args:
        truth: ``(N,)`` class indices.
        probability: ``(N, K)`` in [0, 1]; ties go to the first class.

    Raises:
        StatisticsInputError: wrong shapes, class index out of range, values outside [0, 1].

    >>> rates = multiclass([0, 1, 2, 2], np.array([[.8, .1, .1], [.2, .7, .1], [.1, .2, .7], [.5, .3, .2]]))
    >>> rates.confusion.tolist(), round(rates.macro_recall, 4)
    ([[1, 0, 0], [0, 1, 0], [1, 0, 1]], 0.8333)
    """
    values = probabilities(probability)
    if values.ndim != 2 or values.shape[1] < 2:
        raise StatisticsInputError(
            f"Expected probabilities of shape (N, K) with K >= 2, got {values.shape}.",
            "Use binary_rates for one probability a case.",
        )
    classes = values.shape[1]
    labels = class_truth(truth, classes)
    same_length(truth=labels, probability=values)
    answer = values.argmax(axis=1)
    confusion = np.bincount(labels * classes + answer, minlength=classes * classes).reshape(classes, classes)
    cases = confusion.sum(axis=1)
    recall = np.divide(np.diag(confusion), cases, out=np.full(classes, np.nan), where=cases > 0)
    auc = np.array([roc_auc(labels == k, values[:, k]) for k in range(classes)])
    return MulticlassRates(
        confusion=confusion,
        recall=recall,
        macro_recall=_mean(recall),
        accuracy=float((answer == labels).mean()) if len(labels) else float("nan"),
        auc=auc,
        macro_auc=_mean(auc),
    )
