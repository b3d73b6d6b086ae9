"""How strange an image is for a classifier that also knows a class "other"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import StatisticsInputError


def not_own(logits: ArrayLike, own: Sequence[int]) -> NDArray[np.float64]:
    """Log odds ``(N,)`` of all classes that are not own against the own ones.

    Args:
        logits: ``(N, K)``. own: indices of the own classes; at least one of the K is not among them.

    >>> not_own([[2.0, 0.0, 2.0]], [1]).round(3).tolist()
    [2.693]
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or not 0 < len(set(own)) < values.shape[1]:
        raise StatisticsInputError(f"Expected logits (N, K) and fewer own classes than K, got {values.shape}.",
                                   "Name the classes that are a system's own.")  # fmt: skip
    mine = np.isin(np.arange(values.shape[1]), list(own))
    others, own_ones = (_log_of_sum(values[:, which]) for which in (~mine, mine))
    return np.asarray(others - own_ones)


def _log_of_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log(sum(exp(values)))`` of each row. SciPy's takes longer to import than a first answer takes to compute."""
    top = values.max(1)
    return np.asarray(top + np.log(np.exp(values - top[:, None]).sum(1)))
