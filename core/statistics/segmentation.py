"""How well masks agree: by slice, by volume, and where there is nothing to find."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.statistics._checks import BoolArray, FloatArray, StatisticsInputError, same_length

Mask = NDArray[Any]
Masks = Sequence[Mask] | Mask
MISS = 0.7  # of the Tversky index: a missed pixel costs more than a false one, as in Abraham and Khan 2019


@dataclass(frozen=True, eq=False)
class VolumeDice:
    """Dice of each volume, in order of first appearance."""

    groups: tuple[Hashable, ...]
    values: FloatArray

    @property
    def mean(self) -> float:
        """Mean over the volumes."""
        return float(np.nanmean(self.values)) if len(self.values) else float("nan")

    @property
    def median(self) -> float:
        """Median over the volumes."""
        return float(np.nanmedian(self.values)) if len(self.values) else float("nan")


def _pair(a: Mask, b: Mask) -> tuple[BoolArray, BoolArray]:
    one, two = np.asarray(a), np.asarray(b)
    if one.shape != two.shape:
        raise StatisticsInputError(
            f"Masks of different shape: {one.shape} and {two.shape}.", "Resample the prediction to the image grid."
        )
    for mask in (one, two):
        if mask.dtype.kind == "f" and not bool(np.isin(mask, (0, 1)).all()):
            raise StatisticsInputError(
                "A mask holds values between 0 and 1.", "Cut the probability at a threshold first."
            )
    return one != 0, two != 0


def dice(a: Mask, b: Mask, empty: float = 1.0) -> float:
    """Dice coefficient ``2 |A and B| / (|A| + |B|)``.

    Args:
        a, b: masks of one shape; non-zero is inside.
        empty: value when both are empty. 1.0 (agreement on nothing) by default; on sets with many empty slices it
            lifts the mean a lot, so pass ``nan`` to leave those slices out.

    Returns:
        Value in [0, 1], or ``empty``.

    >>> dice(np.array([1, 1, 0]), np.array([0, 1, 1]))
    0.5
    """
    one, two = _pair(a, b)
    total = int(one.sum()) + int(two.sum())
    return 2 * int((one & two).sum()) / total if total else empty


def iou(a: Mask, b: Mask, empty: float = 1.0) -> float:
    """Intersection over union ``|A and B| / |A or B|`` (Jaccard); same arguments as :func:`dice`."""
    one, two = _pair(a, b)
    union = int((one | two).sum())
    return int((one & two).sum()) / union if union else empty


def tversky(a: Mask, b: Mask, miss: float = MISS, empty: float = 1.0) -> float:
    """Tversky index ``|A and B| / (|A and B| + miss |B - A| + (1 - miss) |A - B|)`` (Salehi et al. 2017).

    Args:
        a: the drawn mask. b: the truth. miss: what a missed pixel counts, in [0, 1]; a false one counts the rest.
            At 0.5 it is Dice. empty: as for :func:`dice`.

    >>> round(tversky(np.array([1, 1, 0, 0]), np.array([0, 1, 1, 1])), 4)
    0.3704
    """
    one, two = _pair(a, b)
    shared = int((one & two).sum())
    weighed = shared + miss * (int(two.sum()) - shared) + (1 - miss) * (int(one.sum()) - shared)
    return shared / weighed if int(one.sum()) + int(two.sum()) else empty


def dice_per_volume(masks: Masks, truths: Masks, groups: Sequence[Hashable], empty: float = 1.0) -> VolumeDice:
    """Dice of each volume: pixels of all slices of a group are counted together, empty slices included.

    Args:
        masks, truths: one mask a slice, ``(N, H, W)`` or a list of ``(H, W)``; sizes may differ between slices.
        groups: volume (patient) of each slice.
    """
    same_length(masks=masks, truths=truths, groups=groups)
    counts: dict[Hashable, list[int]] = {}
    for mask, truth, group in zip(masks, truths, groups, strict=True):
        one, two = _pair(mask, truth)
        both = counts.setdefault(group, [0, 0])
        both[0] += 2 * int((one & two).sum())
        both[1] += int(one.sum()) + int(two.sum())
    values = np.array([shared / total if total else empty for shared, total in counts.values()], dtype=float)
    return VolumeDice(tuple(counts), values)


def _non_empty(masks: Masks) -> BoolArray:
    return np.array([bool(np.any(mask)) for mask in masks], dtype=bool)


def false_mask_rate(masks: Masks, truths: Masks) -> float:
    """Share of the slices without tumour on which a mask is drawn; ``nan`` without such slices."""
    same_length(masks=masks, truths=truths)
    clear = ~_non_empty(truths)
    return float(_non_empty(masks)[clear].mean()) if clear.any() else float("nan")


def sensitivity_of_slices(masks: Masks, truths: Masks, touching: bool = True) -> float:
    """Share of the slices with tumour on which it is found; ``nan`` without such slices.

    Args:
        touching: the drawn mask must share a pixel with the truth; otherwise any drawn mask counts.
    """
    same_length(masks=masks, truths=truths)
    found = [
        bool((one & two).any()) if touching else bool(one.any())
        for one, two in (_pair(mask, truth) for mask, truth in zip(masks, truths, strict=True))
        if two.any()
    ]
    return float(np.mean(found)) if found else float("nan")
