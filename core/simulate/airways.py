"""Branching lung vessels: a random tree per lung in three dimensions, drawn slab by slab."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.simulate.fields import Array


@dataclass(frozen=True, eq=False)
class Tree:
    """Segments of a vessel tree in mm: ends ``(n, 3)`` as x, y, z (z downwards from the inlet), radius ``(n,)``."""

    start: Array
    end: Array
    radius: Array


def grow_tree(rng: np.random.Generator, side: float, generations: int = 9) -> Tree:
    """Grow arteries and veins of one lung (``side`` -1 or +1) outwards from the hilum.

    Radii shrink by about 2^(-1/3) per generation (Murray's law); a child turns away by 20 to 55 degrees.
    """
    roots = 13
    position: Array = np.column_stack(
        [np.full(roots, side * 34.0), rng.uniform(-8, 22, roots), rng.uniform(84, 152, roots)]
    ).astype(np.float32)
    aim = np.column_stack([np.full(roots, side * 1.0), rng.normal(0, 0.8, roots), rng.normal(0, 1.4, roots)])
    radius = rng.uniform(1.6, 3.1, roots)
    length = 23.0
    starts, ends, radii = [], [], []
    for _ in range(generations):
        aim = aim / np.linalg.norm(aim, axis=1, keepdims=True)
        tip = position + aim * (length * rng.uniform(0.6, 1.3, len(aim)))[:, None]
        # A kink half way keeps vessels from looking ruled.
        knee = (position + tip) / 2.0 + rng.normal(0, 0.07 * length, position.shape)
        starts += [position, knee]
        ends += [knee, tip]
        radii += [radius, radius * 0.92]
        keep = rng.random((2, len(tip))) < 0.93
        tips, turned, thin = [], [], []
        for child in range(2):
            k = keep[child]
            tips.append(tip[k])
            turned.append(aim[k] + rng.normal(0, 0.42, (int(k.sum()), 3)) + np.array([side * 0.16, 0.0, 0.0]))
            thin.append(radius[k] * (0.86 if child == 0 else 0.72))
        position, aim, radius = np.concatenate(tips), np.concatenate(turned), np.concatenate(thin)
        length *= 0.86
    # Twigs from branches that were not followed: they fill the outer lung at every level.
    count = 420
    twig = np.column_stack(
        [side * rng.uniform(25, 135, count), rng.uniform(-85, 85, count), rng.uniform(5, 225, count)]
    )
    away = twig - np.array([side * 30.0, 8.0, 118.0])
    away = away / np.linalg.norm(away, axis=1, keepdims=True) + rng.normal(0, 0.35, away.shape)
    starts.append(twig)
    ends.append(twig + away * rng.uniform(5, 17, count)[:, None])
    radii.append(rng.uniform(0.4, 1.15, count))
    return Tree(np.concatenate(starts), np.concatenate(ends), np.concatenate(radii))


def draw_tree(
    trees: tuple[Tree, ...], shape: tuple[int, int], grid: tuple[Array, Array], z: float, slab: float
) -> Array:
    """Cover (0..1) of the vessels within ``slab`` mm around ``z``, with partial volume of the thin ones."""
    x, y = grid
    # The grid is a rigid motion of the pixel raster: invert it once from three corners.
    ux = np.array([x[0, 1] - x[0, 0], y[0, 1] - y[0, 0]], float)
    uy = np.array([x[1, 0] - x[0, 0], y[1, 0] - y[0, 0]], float)
    inverse = np.linalg.inv(np.column_stack([ux, uy]))
    step = float(np.hypot(*ux))
    canvas = np.zeros(shape, np.uint8)
    for tree in trees:
        low, high = z - slab / 2.0, z + slab / 2.0
        p, q, r = tree.start, tree.end, tree.radius
        span = q[:, 2] - p[:, 2]
        span = np.where(np.abs(span) < 1e-3, 1e-3, span)
        t0, t1 = (low - r - p[:, 2]) / span, (high + r - p[:, 2]) / span
        near, far = np.clip(np.minimum(t0, t1), 0, 1), np.clip(np.maximum(t0, t1), 0, 1)
        index = np.flatnonzero(far > near)
        origin = np.array([x[0, 0], y[0, 0]], float)
        a = (p[:, :2] + (q - p)[:, :2] * near[:, None] - origin)[index] @ inverse.T
        b = (p[:, :2] + (q - p)[:, :2] * far[:, None] - origin)[index] @ inverse.T
        for i, first, last in zip(index, np.rint(a * 16).astype(int), np.rint(b * 16).astype(int), strict=True):
            size = 2.0 * r[i] / step
            # Thinner than a pixel: one pixel wide, fainter.
            grey = int(255 * min(1.0, size / 1.6) * min(1.0, 0.45 + 2.0 * r[i] / slab))
            if grey < 26:
                continue
            cv2.line(
                canvas,
                (int(first[0]), int(first[1])),
                (int(last[0]), int(last[1])),
                grey,
                max(1, round(size)),
                cv2.LINE_AA,
                4,
            )
    return cv2.GaussianBlur(canvas, (0, 0), 0.6).astype(np.float32) / 255.0
