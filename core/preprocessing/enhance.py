"""Greyscale enhancement: contrast-limited histogram equalisation, contrast and sharpness."""

from __future__ import annotations

import cv2
import numpy as np

BINS = 256


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
        clip_limit: histogram clip limit, relative to a flat histogram; 1 or more. What is cut off is spread evenly, so
            contrast grows at most ``clip_limit + 1`` fold anywhere.
        tiles: number of tiles down and across.
        value_range: range that the histogram covers; the image's own by default.

    Returns:
        float32 plane in the same range.
    """
    if clip_limit < 1:
        raise ValueError(f"clip_limit must be at least 1, got {clip_limit}")
    low, high = value_range or (float(plane.min()), float(plane.max()))
    if high <= low:
        return plane.astype(np.float32)
    unit = np.clip((plane.astype(np.float64) - low) / (high - low), 0, 1)
    down, across = (min(wanted, side) for wanted, side in zip(tiles, plane.shape, strict=True))
    height, width = -(-plane.shape[0] // down), -(-plane.shape[1] // across)
    padded = np.pad(unit, ((0, down * height - plane.shape[0]), (0, across * width - plane.shape[1])), mode="symmetric")
    blocks = padded.reshape(down, height, across, width).swapaxes(1, 2).reshape(down, across, -1)
    curves = _tile_curves(blocks, clip_limit)

    rows, row_share = _between(plane.shape[0], height, down)
    columns, column_share = _between(plane.shape[1], width, across)
    bins = np.minimum((unit * BINS).astype(np.intp), BINS - 1)
    inside = unit * BINS - bins
    out = np.zeros_like(unit)
    for r, row_weight in zip(rows, (1 - row_share, row_share), strict=True):
        for c, column_weight in zip(columns, (1 - column_share, column_share), strict=True):
            at = (r[:, None], c[None, :])
            value = curves[(*at, bins)] * (1 - inside) + curves[(*at, bins + 1)] * inside
            out += row_weight[:, None] * column_weight[None, :] * value
    return (out * (high - low) + low).astype(np.float32)


def _tile_curves(blocks: np.ndarray, clip_limit: float) -> np.ndarray:
    """Grey-level curves ``(down, across, BINS + 1)`` of tiles ``(down, across, pixels)``, each rising from 0 to 1.

    Grey levels are continuous here, so a curve is linear within a bin: no depth is lost to the histogram's bins.
    """
    pixels = blocks.shape[-1]
    bins = np.minimum((blocks * BINS).astype(np.intp), BINS - 1)
    curves = np.zeros((*blocks.shape[:2], BINS + 1))
    flat = pixels / BINS
    for tile in np.ndindex(blocks.shape[:2]):
        counts = np.bincount(bins[tile], minlength=BINS).astype(np.float64)
        clipped = np.minimum(counts, clip_limit * flat)
        curves[tile][1:] = np.cumsum(clipped + (pixels - clipped.sum()) / BINS) / pixels
    return curves


def _between(length: int, side: int, count: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The two tiles whose centres lie around each pixel, and the share of the second."""
    place = (np.arange(length) + 0.5) / side - 0.5
    first = np.floor(place).astype(np.intp)
    pair = np.clip(first, 0, count - 1), np.clip(first + 1, 0, count - 1)
    return pair, place - first


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
