"""Pixels that hold no image: which they are, and what stands there instead.

PS3.3 C.7.5.1.1.2: pixels of the padding value are no image data, whatever they would mean after rescale. They become
background, so that nothing that looks at the pixels (display, statistics, models) sees a value that is none.
"""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from core.imaging.dicom.functional_groups import as_number
from core.imaging.study import Unit

AIR_HU = -1000.0


def padding_mask(stored: np.ndarray, header: Dataset) -> np.ndarray | None:
    """Where stored values are padding, bool of the same shape; ``None`` where the header names none, or none is there.

    Pixel Padding Value is compared modulo the width of the stored values: writers disagree about its sign. With Pixel
    Padding Range Limit everything between the two is padding. Floating-point pixels have tags of their own.
    """
    if stored.dtype.kind == "f":
        kind = "Float" if stored.dtype.itemsize == 4 else "DoubleFloat"
        value, limit = (as_number(header.get(f"{kind}PixelPadding{what}")) for what in ("Value", "RangeLimit"))
    elif stored.dtype.kind in "iu" and stored.dtype.itemsize <= 4:
        value, limit = (_stored_value(header, f"PixelPadding{what}", stored.dtype) for what in ("Value", "RangeLimit"))
    else:
        return None
    if value is None:
        return None
    low, high = (value, value) if limit is None else (min(value, limit), max(value, limit))
    mask = (stored >= low) & (stored <= high)
    return mask if mask.any() else None


def background(pixels: np.ndarray, padding: np.ndarray, unit: Unit, *, low_is_bright: bool = False) -> float:
    """Value of an empty pixel: air in HU; else 0 where that lies just below the image's values, else the lowest.

    Args:
        pixels: values of one series in their unit.
        padding: which of them are none.
        unit: of the pixels.
        low_is_bright: high values are drawn dark, so that an empty pixel has the highest.
    """
    if unit is Unit.HU:
        return AIR_HU
    ends = [(part.min(), part.max()) for p, m in zip(pixels, padding, strict=True) if (part := p[~m]).size]
    if not ends:
        return 0.0
    low, high = float(min(low for low, _ in ends)), float(max(high for _, high in ends))
    if low_is_bright and unit not in (Unit.SUV, Unit.BQML):
        return high
    near = low == high or low <= high - low
    return 0.0 if unit in (Unit.SUV, Unit.BQML) or (low >= 0 and near) else low


def missing_in(pixels: np.ndarray) -> np.ndarray | None:
    """Pixels ``(slices, height, width)`` that are no finite number, which are set to the lowest that is, 0 at most.

    Returns:
        bool of the same shape; ``None`` where all are finite.
    """
    if all(np.isfinite(plane).all() for plane in pixels):
        return None
    missing = ~np.isfinite(pixels)
    pixels[missing] = min(float(p.min(where=~m, initial=0.0)) for p, m in zip(pixels, missing, strict=True))
    return missing


def _stored_value(header: Dataset, keyword: str, kind: np.dtype[np.generic]) -> int | None:
    try:
        value = int(header.get(keyword))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    info, width = np.iinfo(kind), 8 * kind.itemsize  # type: ignore[type-var]
    value %= 2**width
    return value - 2**width if value > info.max else value
