"""Simulated breast MR lesion crops: subtraction or T1 images around one lesion, 8 bit, as readers crop them.

Lengths are fractions of half the crop, so that a crop is one lesion with a rim of breast tissue around it.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.simulate.fields import Array, Noise, paint, pixel_grid, rician, smooth

_FINE = 4  # drawn this many times finer than the crop, then averaged: the crop's own partial volume


def breast(
    rng: np.random.Generator, malignant: bool, hard: bool = False, size: int | None = None
) -> tuple[Array, Array]:
    """Draw a lesion crop.

    Args:
        rng: source of randomness.
        malignant: irregular, spiculated, rim-enhancing and patchy if true; else oval, smooth, even, with dark septa.
        hard: looks half way to the other class: less irregular or less smooth, blurred, noisy.
        size: height in pixels; drawn from 16..56 otherwise. The width differs by up to a fifth.

    Returns:
        8-bit grey levels as float32 ``(1, height, width)`` and the bool lesion mask of the same shape.
    """
    height = int(size or np.clip(rng.gamma(6.0, 4.6), 16, 56))
    width = max(12, round(height * float(rng.uniform(0.85, 1.2))))
    shape = (height * _FINE, width * _FINE)
    x, y = pixel_grid(shape, 2.0 / (min(shape)), angle=float(rng.uniform(0, 6.28)))
    coarse, middle, fine = (Noise(rng, c, 1, tiles=32) for c in (0.42, 0.2, 0.085))
    lobes = rng.normal(0, 1, 9) / np.sqrt(np.arange(1, 10))
    phases = rng.uniform(0, 6.28, 9)
    rays = np.stack([rng.uniform(-np.pi, np.pi, 18), rng.uniform(0.05, 0.4, 18), rng.uniform(0.02, 0.08, 18)])
    radius, long = float(rng.uniform(0.56, 0.86)), float(rng.uniform(1.0, 1.45))
    bright, rim, septa_at = float(rng.uniform(165, 255)), float(rng.uniform(0.0, 0.45)), float(rng.uniform(0, 6.28))
    irregular = (0.45 if hard else 1.0) if malignant else (0.3 if hard else 0.08)
    cx, cy = rng.normal(0, 0.05, 2)

    image = 62.0 + 26.0 * coarse.at(x, y) + 12.0 * middle.at(x, y)
    ducts = np.abs(coarse.at(x * 0.8 + 0.2 * middle.at(x, y), y * 0.8 + 3.0))
    paint(image, 120.0, 0.5 * smooth(0.16 - ducts, 0.14))
    paint(image, 30.0, 0.8 * smooth(coarse.at(y + 5.0, x) - 0.9, 0.5))

    dx, dy = x - cx, (y - cy) * long
    r, theta = np.hypot(dx, dy), np.arctan2(dy, dx)
    edge = np.full_like(r, radius)
    for k in range(9):
        damp = 1.0 if malignant else 1.0 / (1 + k)
        edge += radius * 0.085 * irregular * damp * lobes[k] * np.cos((k + 2) * theta + phases[k])
    if malignant:
        edge += 0.06 * irregular * middle.at(x, y)
        spikes = np.zeros_like(r)
        for at, length, wide in rays.T:
            turn = np.abs((theta - at + np.pi) % (2 * np.pi) - np.pi)
            spikes = np.maximum(spikes, smooth(wide - turn * r, 0.03) * smooth(edge + length * irregular - r, 0.10))
        paint(image, 0.85 * bright, 0.8 * irregular * spikes)
    depth = (edge - r).astype(np.float32)
    cover = smooth(depth, 0.05 if malignant else 0.035)
    value = np.full_like(r, bright)
    if malignant:
        inner = smooth(depth - 0.2, 0.16)
        value = bright * (1.0 - rim * inner * (1.0 if not hard else 0.5))
        value = value * (1.0 + (0.17 if not hard else 0.1) * middle.at(x + 9, y) + 0.08 * fine.at(x, y))
        if rim > 0.36:
            paint(value, 55.0, smooth(depth - 0.45 * radius + 0.08 * middle.at(y, x), 0.08))
    else:
        value = value * (1.0 + 0.035 * coarse.at(x + 9, y) + 0.015 * fine.at(x, y))
        c, s = np.cos(septa_at), np.sin(septa_at)
        lines = np.abs(np.sin(5.2 * (c * dx + s * dy) + 0.9 * coarse.at(x, y)))
        paint(
            value,
            0.5 * bright,
            (0.6 if radius > 0.55 else 0.35) * smooth(0.10 - lines, 0.09) * smooth(depth - 0.1, 0.06),
        )
    paint(image, value, cover)

    small = cv2.resize(np.maximum(image, 0.0), (width, height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize((depth > 0).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    blur = float(rng.uniform(0.3, 1.0)) + (0.5 if hard else 0.0)
    small = cv2.GaussianBlur(small, (0, 0), blur, borderType=cv2.BORDER_REFLECT)
    noisy = rician(rng, small, float(rng.uniform(5, 13)) * (1.5 if hard else 1.0), 0.5)
    # Crops are stretched to their own range when they are exported.
    low, high = np.percentile(noisy, [1.0, 99.0])
    floor, top = float(rng.uniform(2, 32)), float(rng.uniform(205, 252))
    picture = np.clip(np.rint(floor + (noisy - low) / max(high - low, 1.0) * (top - floor)), 0, 255)
    return picture[None].astype(np.float32), mask[None]
