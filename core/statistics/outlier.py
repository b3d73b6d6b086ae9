"""Out-of-distribution scores in a network's feature space: how far an image lies from what the network learnt from.

Every score is larger for stranger images. All are fitted on features ``(N, F)`` with class indices ``(N,)`` and kept as
a few arrays, so that they can be stored beside the weights. "Own" classes are those that count as expected; distances
to the other classes do not excuse an image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import StatisticsInputError, class_truth, same_length

Floats = NDArray[np.float64]
RIDGE = 1e-6


def _features(values: ArrayLike, width: int | None = None) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or (width is not None and array.shape[1] != width) or not np.isfinite(array).all():
        wanted = f"(N, {width})" if width else "(N, F)"
        raise StatisticsInputError(
            f"Expected finite features {wanted}, got shape {array.shape}.", "Use the features of the fitted network."
        )
    return array


def unit_length(features: ArrayLike) -> Floats:
    """Features scaled to length 1; a zero vector stays zero."""
    array = _features(features)
    return np.asarray(array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12), dtype=np.float64)


def fit_gaussians(features: ArrayLike, classes: ArrayLike, count: int) -> dict[str, Floats]:
    """Class means ``(K, F)`` with one shared precision, and the mean and precision of everything together.

    Covariances are divided by ``N`` and carry a small ridge relative to their mean variance.

    Raises:
        StatisticsInputError: a class without features.
    """
    z = _features(features)
    labels = class_truth(classes, count)
    same_length(features=z, classes=labels)
    sizes = np.bincount(labels, minlength=count)
    if not sizes.all():
        raise StatisticsInputError(f"Class {int(np.argmin(sizes))} has no features.", "Give examples of every class.")
    means = np.stack([z[labels == k].mean(0) for k in range(count)])
    centre = z.mean(0)
    return {
        "means": means,
        "precision": _precision(z - means[labels]),
        "centre": centre,
        "background": _precision(z - centre),
    }


def _precision(centred: Floats) -> Floats:
    covariance = centred.T @ centred / len(centred)
    ridge = RIDGE * max(float(np.trace(covariance)) / len(covariance), 1e-12)
    return np.asarray(np.linalg.inv(covariance + ridge * np.eye(len(covariance))), dtype=np.float64)


def mahalanobis(fitted: Mapping[str, Any], features: ArrayLike, own: Sequence[int]) -> Floats:
    """Half the squared Mahalanobis distance ``(N,)`` to the nearest own class (Lee et al., NeurIPS 2018)."""
    means = np.asarray(fitted["means"], dtype=np.float64)
    z = _features(features, means.shape[1])
    distances = [_half_square(z - means[k], np.asarray(fitted["precision"], dtype=np.float64)) for k in own]
    return np.asarray(np.min(distances, axis=0), dtype=np.float64)


def relative_mahalanobis(fitted: Mapping[str, Any], features: ArrayLike, own: Sequence[int]) -> Floats:
    """The same less the distance to the Gaussian of everything together (Ren et al. 2021)."""
    centre = np.asarray(fitted["centre"], dtype=np.float64)
    z = _features(features, len(centre))
    return mahalanobis(fitted, z, own) - _half_square(z - centre, np.asarray(fitted["background"], dtype=np.float64))


def _half_square(centred: Floats, precision: Floats) -> Floats:
    return np.asarray(((centred @ precision) * centred).sum(1) / 2, dtype=np.float64)


def nearest(bank: ArrayLike, features: ArrayLike, k: int) -> Floats:
    """Distance ``(N,)`` to the ``k``-th nearest feature of the bank, all at unit length (Sun et al., ICML 2022).

    >>> nearest([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0]], 1).tolist()
    [0.0]
    """
    known = unit_length(bank)
    if not 1 <= k <= len(known):
        raise StatisticsInputError(
            f"Neighbour {k} asked for among {len(known)}.", "Choose one between 1 and the bank's size."
        )
    z = unit_length(_features(features, known.shape[1]))
    squares = np.maximum(2 - 2 * (z @ known.T), 0.0)
    return np.asarray(np.sqrt(np.partition(squares, k - 1, axis=1)[:, k - 1]), dtype=np.float64)


def fit_vim(features: ArrayLike, weight: ArrayLike, bias: ArrayLike, dimensions: int) -> dict[str, Floats]:
    """Virtual-logit matching (Wang et al., CVPR 2022): what of a feature the principal space does not hold.

    Args:
        features: ``(N, F)`` of the training images.
        weight, bias: ``(K, F)`` and ``(K,)`` of the linear layer that makes the logits.
        dimensions: of the principal space; below ``F``.
    """
    z = _features(features)
    w, b = np.asarray(weight, dtype=np.float64), np.asarray(bias, dtype=np.float64)
    if not 0 < dimensions < z.shape[1]:
        raise StatisticsInputError(
            f"A principal space of {dimensions} dimensions in {z.shape[1]}.", "Choose fewer than the features have."
        )
    origin = -np.linalg.pinv(w) @ b
    centred = z - origin
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    residual = vectors[:, np.argsort(values)[: z.shape[1] - dimensions]]
    norms = np.linalg.norm(centred @ residual, axis=1)
    logits = z @ w.T + b
    alpha = logits.max(1).mean() / max(float(norms.mean()), 1e-12)
    return {"origin": origin, "residual": residual, "alpha": np.array([alpha])}


def vim(fitted: Mapping[str, Any], features: ArrayLike, logits: ArrayLike, own: Sequence[int]) -> Floats:
    """Log odds ``(N,)`` of the virtual class and the classes that are not own, against the own ones.

    With every class own this is the score of the paper: the virtual logit less the energy of the others.
    """
    origin = np.asarray(fitted["origin"], dtype=np.float64)
    z = _features(features, len(origin))
    known = np.asarray(logits, dtype=np.float64)
    same_length(features=z, logits=known)
    residual = np.asarray(fitted["residual"], dtype=np.float64)
    virtual = np.linalg.norm((z - origin) @ residual, axis=1) * float(np.asarray(fitted["alpha"]).reshape(-1)[0])
    return _against(np.concatenate([known, virtual[:, None]], axis=1), own)


def not_own(logits: ArrayLike, own: Sequence[int]) -> Floats:
    """Log odds ``(N,)`` of all classes that are not own against the own ones; needs one that is not own.

    >>> not_own([[2.0, 0.0, 2.0]], [1]).round(3).tolist()
    [2.693]
    """
    return _against(np.asarray(logits, dtype=np.float64), own)


def _against(logits: Floats, own: Sequence[int]) -> Floats:
    mine = np.zeros(logits.shape[1], dtype=bool)
    mine[list(own)] = True
    return np.asarray(_energy(logits[:, ~mine]) - _energy(logits[:, mine]), dtype=np.float64)


def _energy(logits: Floats) -> Floats:
    """Logarithm of the sum of exponentials of each row, without overflow."""
    top = logits.max(1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logits - top).sum(1)), dtype=np.float64)
