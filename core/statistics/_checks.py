"""Checks that every statistic shares: lengths, labels, finite scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import OverreadError

FloatArray = NDArray[np.floating[Any]]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.integer[Any]]


class StatisticsInputError(OverreadError, ValueError):
    """The arrays handed to a statistic do not mean what the statistic needs."""


def binary_truth(truth: ArrayLike) -> BoolArray:
    """``(N,)`` labels as booleans; only 0/1 or booleans are taken."""
    array = np.asarray(truth)
    if array.ndim != 1:
        raise StatisticsInputError(
            f"Expected truth of shape (N,), got {array.shape}.", "Flatten it to one label a case."
        )
    if array.dtype == np.bool_:
        return array
    if array.size and (array.dtype.kind not in "iuf" or not bool(np.isin(array, (0, 1)).all())):
        raise StatisticsInputError("Expected truth of only 0 and 1.", "Code the positive class as 1, all others as 0.")
    return array.astype(bool)


def class_truth(truth: ArrayLike, classes: int) -> IntArray:
    """``(N,)`` class indices in ``[0, classes)``."""
    array = np.asarray(truth)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
        raise StatisticsInputError(
            f"Expected class indices of shape (N,), got {array.dtype} of shape {array.shape}.",
            "Pass the index of the class in logit order.",
        )
    array = array.astype(np.intp)
    if array.size and (array.min() < 0 or array.max() >= classes):
        raise StatisticsInputError(
            f"Expected class indices from 0 to {classes - 1}, got {array.min()} to {array.max()}.",
            "Check the order of the classes.",
        )
    return array


def scores(values: ArrayLike, name: str = "score") -> FloatArray:
    """``(N,)`` finite floating scores; integers and booleans are refused, for they are decisions, not scores."""
    array = np.asarray(values)
    if array.size and array.dtype.kind != "f":
        raise StatisticsInputError(
            f"Expected {name} as floating numbers, got {array.dtype}: these look like decisions.",
            "Pass the probability or the logit, not the predicted label.",
        )
    array = array.astype(float) if array.dtype.kind != "f" else array
    if array.ndim != 1:
        raise StatisticsInputError(
            f"Expected {name} of shape (N,), got {array.shape}.", "Pass the score of the positive class only."
        )
    if not np.isfinite(array).all():
        raise StatisticsInputError(
            f"{name} holds NaN or infinity.", "Leave out the cases without a score, and say how many."
        )
    return array


def probabilities(values: ArrayLike, name: str = "probability") -> FloatArray:
    """Finite probabilities of any shape, in [0, 1]."""
    array = np.asarray(values)
    if array.size and array.dtype.kind != "f":
        raise StatisticsInputError(
            f"Expected {name} as floating numbers, got {array.dtype}.", "Pass probabilities, not predicted labels."
        )
    # Not a plain comparison with 0 and 1: NaN must fail too, and float32 softmax may pass 1 by a rounding error.
    if array.size and not bool(((array >= -1e-6) & (array <= 1 + 1e-6)).all()):
        raise StatisticsInputError(f"{name} must lie in [0, 1].", "Apply sigmoid or softmax to the logits first.")
    return array


def same_length(**arrays: Sequence[Any] | NDArray[Any]) -> int:
    """Common length of the named arrays; raises when they differ."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise StatisticsInputError(f"Arrays of different length: {told}.", "Pass one entry a case in each.")
    return next(iter(lengths.values()))
