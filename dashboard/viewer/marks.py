"""Marks of readers: points and boxes in image pixels, from the corner of the first one; as the store keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.imaging.study import Series


def mark(place: Mapping[str, float], index: int) -> dict[str, Any]:
    """A mark on a slice.

    Args:
        place: ``x``, ``y`` and, for a box, ``width`` and ``height``, in image pixels.
        index: slice, from 0.
    """
    return {"kind": "box" if "width" in place else "point", "slice": index, **place}


def cleaned(found: Any, series: Series) -> list[dict[str, Any]]:
    """What a browser told, held inside the image, to a tenth of a pixel; what is no mark of this series is left out."""
    kept = []
    for one in found if isinstance(found, list) else []:
        try:
            index = int(one["slice"])
            numbers = [float(one.get(name) or 0.0) for name in ("x", "y", "width", "height")]
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            continue
        if 0 <= index < series.slices and all(map(math.isfinite, numbers)):
            kept.append(mark(_within(numbers, series.shape), index))
    return kept


def _within(numbers: list[float], shape: tuple[int, int]) -> dict[str, float]:
    height, width = shape
    x, y = (round(min(max(at, 0.0), size), 1) for at, size in zip(numbers, (width, height), strict=False))
    across = round(min(numbers[2], width - x), 1)
    down = round(min(numbers[3], height - y), 1)
    place = {"x": x, "y": y}
    return place | {"width": across, "height": down} if across > 0 and down > 0 else place
