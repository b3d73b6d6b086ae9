"""Greyscale enhancement: contrast-limited histogram equalisation, contrast and sharpness."""

from __future__ import annotations

import cv2
import numpy as np


def clahe(
    plane: np.ndarray,
    *,
    clip_limit: float = 2.0,
    tiles: tuple[int, int] = (8, 8),
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994).

    Args:
        plane: ``(height, width)`` image.
        clip_limit: histogram clip limit, relative to a flat histogram; 1 or more.
        tiles: number of tiles down and across.
        value_range: range that is mapped to the 16-bit histogram; the image's own by default.

    Returns:
        float32 plane in the same range.
    """
    if clip_limit < 1:
        raise ValueError(f"clip_limit must be at least 1, got {clip_limit}")
    low, high = value_range or (float(plane.min()), float(plane.max()))
    if high <= low:
        return plane.astype(np.float32)
    coded = np.round(np.clip((plane - low) / (high - low), 0, 1) * 65535).astype(np.uint16)
    # OpenCV's grid is (across, down)
    equalised = cv2.createCLAHE(clipLimit=clip_limit, tileGridSize=(tiles[1], tiles[0])).apply(coded)
    return (equalised.astype(np.float32) / np.float32(65535) * np.float32(high - low) + np.float32(low)).astype(
        np.float32
    )


def contrast(plane: np.ndarray, factor: float) -> np.ndarray:
    """Stretch grey levels about the image mean: 1 leaves the image as it is, 0 gives flat grey."""
    if factor < 0:
        raise ValueError(f"a contrast factor is not negative, got {factor}")
    mean = plane.mean(dtype=np.float64)
    return ((plane - mean) * factor + mean).astype(np.float32)


def sharpness(plane: np.ndarray, factor: float) -> np.ndarray:
    """Blend with a smoothed copy: 0 is smooth (Gaussian, sigma 1 px), 1 the image, above 1 sharpened."""
    if factor < 0:
        raise ValueError(f"a sharpness factor is not negative, got {factor}")
    smooth = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 1.0)
    return (smooth + factor * (plane - smooth)).astype(np.float32)
