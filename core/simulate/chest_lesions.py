"""Lung lesions: spiculated or lobulated masses, smooth calcified nodules, and the hard-to-see kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.simulate.fields import Array, Noise, paint, smooth

HEIGHT_MM = 230.0  # from the thoracic inlet (level 0) to the dome of the liver (level 1)


@dataclass(frozen=True, eq=False)
class ChestLesion:
    """A lung lesion: centre in mm and level 0..1, radius in mm, and its looks."""

    x: float
    y: float
    level: float
    radius: float
    malignant: bool
    value: float
    glass: bool
    lobes: Array
    spicules: Array
    tail: bool
    necrosis: bool
    height: float


def draw_chest_lesion(
    rng: np.random.Generator,
    lungs: Callable[[Array, Array, float], Array],
    cavity: Callable[[float], tuple[float, float, float]],
    label: str,
    hard: bool,
) -> ChestLesion:
    """Choose a place inside the lungs, a size and looks that fit ``label``.

    The same numbers are drawn whatever the label, so that scans of different labels share their anatomy by seed.
    """
    malignant = label == "malignant"
    kind = int(rng.integers(0, 3))
    level = float(rng.uniform(0.22, 0.86))
    size = float(rng.uniform(0, 1))
    radius = (7.0 + 16.0 * size**1.3) if malignant else (3.5 + 5.5 * size)
    if hard:
        radius = (6.0 + 5.0 * size) if malignant else (2.6 + 1.8 * size)
    if hard and kind == 2:
        level = float(np.clip(level, 0.6, 0.8))
    a, b, cy = cavity(level)
    points = rng.uniform(-1, 1, (400, 2)).astype(np.float32) * np.array([a, b], np.float32) + np.array(
        [0, cy], np.float32
    )
    inside = lungs(points[None, :, 0], points[None, :, 1], level)[0]
    if hard and kind == 1:
        wanted = np.abs(inside - 0.35 * radius)  # on the pleura
    elif hard and kind == 2:
        wanted = np.abs(inside - 1.1 * radius) + 0.3 * np.abs(points[:, 0] - 50) + 0.3 * np.abs(points[:, 1] - 25)
    else:
        wanted = np.where(inside > 0.9 * radius, rng.uniform(0, 1, 400), 100.0 - inside)
    x, y = (float(v) for v in points[int(np.argmin(wanted))])
    return ChestLesion(
        x=x,
        y=y,
        level=level,
        radius=radius,
        malignant=malignant,
        value=float(rng.uniform(25, 60)) if malignant else float(rng.uniform(90, 380)),
        glass=bool(hard and malignant and kind == 0),
        lobes=np.stack([rng.normal(0, 0.09, 5) / np.sqrt(np.arange(1, 6)), rng.uniform(0, 6.28, 5)]),
        spicules=np.stack([rng.uniform(-np.pi, np.pi, 15), rng.uniform(0.2, 1.0, 15), rng.uniform(0.03, 0.10, 15)]),
        tail=bool(rng.random() < 0.6),
        necrosis=bool(rng.random() < 0.25 and radius > 15),
        height=float(rng.uniform(0.8, 1.25)),
    )


def paint_lesion(
    image: Array,
    x: Array,
    y: Array,
    z: float,
    lung: Array,
    lesion: ChestLesion,
    noises: tuple[Noise, Noise],
    step: float,
) -> Array:
    """Draw the lesion into ``image`` (HU, in place) on the slice ``z`` mm and return its bool mask.

    Args:
        image: HU ``(h, w)``.
        x, y: coordinates in mm.
        z: position of the slice, mm.
        lung: signed distance to the lungs, mm: a lesion grows in lung, up to the pleura.
        lesion: what to draw.
        noises: a patchy and a fine field.
        step: pixel size, mm.
    """
    dz = (z - lesion.level * HEIGHT_MM) / (lesion.radius * lesion.height)
    mask = np.zeros(x.shape, bool)
    if abs(dz) >= 1.0:
        return mask
    # Only the part of the slice that the lesion and its strands can reach.
    reach = 2.2 * lesion.radius + 36.0
    near = (np.abs(x - lesion.x) < reach) & (np.abs(y - lesion.y) < reach)
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not rows.size:
        return mask
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    mask[box] = _paint_box(image[box], x[box], y[box], z / HEIGHT_MM, dz, lung[box], lesion, noises, step)
    return mask


def _paint_box(
    image: Array,
    x: Array,
    y: Array,
    level: float,
    dz: float,
    lung: Array,
    lesion: ChestLesion,
    noises: tuple[Noise, Noise],
    step: float,
) -> Array:
    coarse, fine = noises
    radius = lesion.radius * float(np.sqrt(1.0 - dz * dz))
    dx, dy = x - lesion.x, y - lesion.y
    r, theta = np.hypot(dx, dy), np.arctan2(dy, dx)
    edge = np.ones_like(x)
    strength = 1.0 if lesion.malignant else 0.25
    for k in range(lesion.lobes.shape[1]):
        edge += strength * float(lesion.lobes[0, k]) * np.cos((k + 2) * theta + float(lesion.lobes[1, k]))
    grain = coarse.at(x, y, level)
    depth = radius * edge - r
    if lesion.malignant:
        depth = depth + 0.10 * radius * grain
    cover = smooth(depth, 1.2 if lesion.malignant else 0.8 * step)
    near = smooth(lung + 1.5, 1.5)
    if lesion.glass:
        amount = 0.42 * smooth(depth, 3.0) * (0.8 + 0.2 * grain) * near
        paint(image, lesion.value, np.clip(amount, 0, 1))
        return np.asarray((depth > 0) & (lung > -1.0))
    if lesion.malignant:
        rays = np.zeros_like(x)
        bent = theta + 0.12 * grain
        for at, length, width in lesion.spicules.T.tolist():
            turn = np.abs((bent - at + np.pi) % (2 * np.pi) - np.pi)
            reach = radius * edge + length * 0.75 * radius + 2.0
            # A strand is broad at its root and thins out.
            thin = width * radius * np.clip(1.9 - r / radius, 0.15, 1.0)
            rays = np.maximum(rays, smooth(thin + 0.3 - turn * r, 0.7) * smooth(reach - r, 0.25 * radius))
        if lesion.tail:
            # Towards the chest wall: a strand along the outward direction.
            out = float(np.arctan2(lesion.y, lesion.x))
            turn = np.abs((theta - out + np.pi) % (2 * np.pi) - np.pi)
            rays = np.maximum(rays, 0.8 * smooth(1.0 - turn * r + 0.03 * radius, 0.7) * (turn < 1) * (r < radius + 32))
        paint(image, lesion.value - 40.0, 0.6 * rays * near)
        paint(image, -500.0, 0.5 * smooth(depth + 3.0, 3.0) * (1 - cover) * near)
        value = lesion.value + 14.0 * grain + 9.0 * fine.at(x, y, level)
        paint(image, value, cover * near)
        if lesion.necrosis:
            paint(image, 12.0, smooth(depth - 0.45 * radius + 2.0 * grain, 3.0) * near)
    else:
        paint(image, 60.0, cover * near)
        paint(image, 60.0 + lesion.value * 2.0, smooth(depth - 0.35 * radius, 0.3 * radius + 0.2) * near)
    return np.asarray((depth > 0) & (lung > -1.0))
