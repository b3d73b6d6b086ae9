"""Whether a probability means what it says, and one temperature to mend it."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are loaded where they are first used: the first page of a server needs none
from numpy.typing import ArrayLike

from core.statistics._checks import (
    FloatArray,
    StatisticsInputError,
    binary_truth,
    class_truth,
    probabilities,
    same_length,
)

TEMPERATURE_RANGE = (0.05, 20.0)


def _confidence(probability: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """``(N,)`` stated probability and ``(N,)`` whether it came true."""
    values = probabilities(probability).astype(np.float64)
    if values.ndim == 1:
        hit = binary_truth(truth)
    elif values.ndim == 2:
        hit = class_truth(truth, values.shape[1]) == values.argmax(axis=1)
        values = values.max(axis=1)
    else:
        raise StatisticsInputError(f"Expected shape (N,) or (N, K), got {values.shape}.", "Flatten the probabilities.")
    same_length(probability=values, truth=hit)
    return np.clip(values, 0, 1), hit.astype(np.float64)


def ece(probability: ArrayLike, truth: ArrayLike, bins: int = 15, equal_mass: bool = False) -> float:
    """Expected calibration error (Naeini 2015): ``sum_b n_b / N * |mean truth_b - mean probability_b|``.

    Args:
        probability: ``(N,)`` of the positive class, or ``(N, K)``: then the largest one, against being right (Guo).
        truth: ``(N,)`` 0/1, or class indices.
        bins: number of bins over [0, 1]. equal_mass: bins of equally many cases instead of equal width, which
            does not leave most bins empty on a confident model.

    Returns:
        Value in [0, 1]; ``nan`` without cases. Biased upwards on few cases.

    >>> round(ece([0.9, 0.9, 0.1, 0.1], [1, 0, 0, 0], bins=2), 3)
    0.25
    """
    stated, hit = _confidence(probability, truth)
    if not len(stated):
        return float("nan")
    if equal_mass:
        order = np.argsort(stated, kind="stable")
        which = np.empty(len(stated), dtype=np.intp)
        which[order] = np.arange(len(stated)) * bins // len(stated)
    else:
        which = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), stated, side="right") - 1, 0, bins - 1)
    gap = np.bincount(which, weights=hit - stated, minlength=bins)
    return float(np.abs(gap).sum() / len(stated))


def brier(probability: ArrayLike, truth: ArrayLike) -> float:
    """Brier score: ``mean (p - y)^2`` in [0, 1], or summed over classes (in [0, 2]) for ``(N, K)`` probabilities.

    >>> round(brier([0.9, 0.2], [1, 0]), 3)
    0.025
    """
    values = probabilities(probability).astype(np.float64)
    if not len(values):
        return float("nan")
    if values.ndim == 1:
        labels = binary_truth(truth)
        same_length(probability=values, truth=labels)
        return float(np.mean((values - labels) ** 2))
    classes = class_truth(truth, values.shape[1])
    same_length(probability=values, truth=classes)
    return float(np.mean(((values - np.eye(values.shape[1])[classes]) ** 2).sum(axis=1)))


def _single(logits: FloatArray) -> bool:
    return logits.ndim == 1 or logits.shape[1] == 1


def apply_temperature(logits: ArrayLike, temperature: float = 1.0) -> FloatArray:
    """Probabilities at a temperature: sigmoid or softmax of ``logits / temperature``.

    Args:
        logits: ``(N,)`` or ``(N, 1)`` for a binary model, ``(N, K)`` otherwise.
        temperature: above 0; above 1 softens.

    Returns:
        ``(N,)`` probability of the positive class for one logit, else ``(N, K)`` summing to 1; float64.

    >>> apply_temperature([0.0, 2.0], 2.0).round(4).tolist()
    [0.5, 0.7311]
    """
    if not temperature > 0:
        raise StatisticsInputError(f"Temperature {temperature} is not above 0.", "Fit it with fit_temperature.")
    values = np.asarray(logits, dtype=np.float64) / temperature
    if values.ndim not in (1, 2):
        raise StatisticsInputError(f"Expected logits (N,) or (N, K), got {values.shape}.", "Flatten the batch.")
    return scipy.special.expit(values.reshape(-1)) if _single(values) else scipy.special.softmax(values, axis=1)


def nll(logits: ArrayLike, truth: ArrayLike, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood (nats) of the truth at a temperature; same shapes as :func:`apply_temperature`."""
    values = np.asarray(logits, dtype=np.float64) / temperature
    if _single(values):
        sign = np.where(binary_truth(truth), 1.0, -1.0)
        return float(np.mean(np.logaddexp(0, -sign * values.reshape(-1))))
    labels = class_truth(truth, values.shape[1])
    return float(np.mean(scipy.special.logsumexp(values, axis=1) - values[np.arange(len(labels)), labels]))


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """Temperature that minimises the negative log-likelihood on validation data (Guo et al. 2017).

    The NLL is convex in ``1 / T``, so a bounded scalar search finds the minimum. On separable data the best
    temperature runs to 0 and is stopped at 0.05; at 20 the logits carry no information.

    Args:
        logits: ``(N,)`` or ``(N, 1)`` for a binary model, ``(N, K)`` otherwise.
        truth: ``(N,)`` 0/1, or class indices.

    Raises:
        StatisticsInputError: no cases, unequal lengths, non-finite logits, or only one class in the truth.
    """
    values = np.asarray(logits, dtype=np.float64)
    labels = np.asarray(truth)
    same_length(logits=values, truth=labels)
    if not np.isfinite(values).all():
        raise StatisticsInputError("Logits hold NaN or infinity.", "Check the model's output first.")
    if len(np.unique(labels)) < 2:
        raise StatisticsInputError("One class only in the validation part.", "Choose a part with at least two classes.")
    low, high = np.log(TEMPERATURE_RANGE)
    found = scipy.optimize.minimize_scalar(
        lambda t: nll(values, labels, float(np.exp(t))), bounds=(low, high), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))
