"""Dice, IoU and Tversky index from pixel counts: for records that keep how many pixels agree, but no masks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import FloatArray, StatisticsInputError, same_length
from core.statistics.segmentation import MISS, VolumeDice


def _counts(mask: ArrayLike, truth: ArrayLike, shared: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    drawn, real, both = (np.asarray(a, dtype=np.float64) for a in (mask, truth, shared))
    same_length(mask=drawn, truth=real, shared=both)
    if bool((both < 0).any()) or bool((both > np.minimum(drawn, real)).any()):
        raise StatisticsInputError("Shared pixels exceed the mask or the truth.", "Check the three counts.")
    return drawn, real, both


def _share(top: FloatArray, bottom: FloatArray, empty: float) -> FloatArray:
    return np.divide(top, bottom, out=np.full(len(top), empty), where=bottom > 0)


def dice_from_counts(mask: ArrayLike, truth: ArrayLike, shared: ArrayLike, empty: float = float("nan")) -> FloatArray:
    """``(N,)`` Dice coefficients ``2 shared / (mask + truth)``.

    Args:
        mask, truth, shared: ``(N,)`` pixels of the drawn mask, of the truth, and in both.
        empty: value where mask and truth are both empty; ``nan`` leaves those cases out of a ``nanmean``.

    Raises:
        StatisticsInputError: unequal lengths, negative counts, more shared pixels than either mask holds.

    >>> dice_from_counts([2, 0, 4], [2, 0, 0], [1, 0, 0]).tolist()
    [0.5, nan, 0.0]
    """
    drawn, real, both = _counts(mask, truth, shared)
    return _share(2 * both, drawn + real, empty)


def iou_from_counts(mask: ArrayLike, truth: ArrayLike, shared: ArrayLike, empty: float = float("nan")) -> FloatArray:
    """``(N,)`` intersections over union ``shared / (mask + truth - shared)``; otherwise as :func:`dice_from_counts`.

    >>> iou_from_counts([2, 0, 4], [2, 0, 0], [1, 0, 0]).round(3).tolist()
    [0.333, nan, 0.0]
    """
    drawn, real, both = _counts(mask, truth, shared)
    return _share(both, drawn + real - both, empty)


def tversky_from_counts(
    mask: ArrayLike, truth: ArrayLike, shared: ArrayLike, miss: float = MISS, empty: float = float("nan")
) -> FloatArray:
    """``(N,)`` Tversky indices, as :func:`~core.statistics.tversky`; otherwise as :func:`dice_from_counts`.

    >>> tversky_from_counts([2, 0, 4], [3, 0, 0], [1, 0, 0]).round(4).tolist()
    [0.3704, nan, 0.0]
    """
    drawn, real, both = _counts(mask, truth, shared)
    return _share(both, both + miss * (real - both) + (1 - miss) * (drawn - both), empty)


def dice_per_volume_from_counts(
    mask: ArrayLike, truth: ArrayLike, shared: ArrayLike, groups: Sequence[Hashable], empty: float = 1.0
) -> VolumeDice:
    """Dice of each volume, its slices' pixels counted together, as :func:`~core.statistics.dice_per_volume` does."""
    drawn, real, both = (np.asarray(a, dtype=np.float64) for a in (mask, truth, shared))
    same_length(mask=drawn, truth=real, shared=both, groups=groups)
    place = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    codes = np.array([place[group] for group in groups], dtype=np.intp)
    a, b, c = (np.bincount(codes, weights=counts, minlength=len(place)) for counts in (drawn, real, both))
    return VolumeDice(tuple(place), dice_from_counts(a, b, c, empty))
