"""Simulated axial brain MR: FLAIR-like (mostly) or T1-like grey levels, 8 bit, as picture archives hold them.

Geometry is in millimetres around the head's centre (x to the image's right, y to the back). A head is fixed once by its
seed and cut at any level, so that a stack of slices is one consistent head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.simulate.brain_base import skull_base
from core.simulate.fields import Array, Noise, bias_field, ellipse, paint, pixel_grid, rician, smooth

MM_PER_PIXEL = 0.94  # 240 mm over 256 pixels, the usual matrix


@dataclass(frozen=True)
class Greys:
    """Grey level of each tissue before shading and noise."""

    white: float
    grey: float
    fluid: float
    deep: float
    scalp: float
    skin: float
    lesion: float
    rim: float


@dataclass(frozen=True)
class Lesion:
    """An infiltrating tumour: centre in mm and level 0..1, radius in mm, its looks."""

    x: float
    y: float
    level: float
    radius: float
    reach: float
    contrast: float
    ring: bool
    stretch: float
    angle: float


class Head:
    """One simulated head, with or without a tumour, cut slice by slice."""

    def __init__(self, rng: np.random.Generator, lesion: Lesion | None) -> None:
        self.lesion = lesion
        self._warp_x, self._warp_y = Noise(rng, 42.0, 5, tiles=16), Noise(rng, 42.0, 5, tiles=16)
        self._slow = Noise(rng, 75.0, 4, tiles=12)
        self._fold = Noise(rng, 6.6, 14, band=True, tiles=80)
        self._fold_warp = Noise(rng, 13.0, 12, tiles=40)
        self._fine = Noise(rng, 5.0, 12, tiles=64)
        self._patch = Noise(rng, 14.0, 8, tiles=32)
        self._width = float(rng.uniform(63, 71))
        self._length = float(rng.uniform(81, 91))
        self._egg = float(rng.uniform(0.04, 0.12))
        self._scalp = float(rng.uniform(4.0, 8.0))
        self._bone = float(rng.uniform(4.0, 6.5))
        self._atrophy = float(rng.uniform(0.65, 1.6))
        self._ventricle = float(rng.uniform(0.7, 1.45))
        self._asymmetry = float(rng.uniform(-0.3, 0.3))
        self._falx_bright = bool(rng.random() < 0.25)
        self._white_spots = float(rng.uniform(2.5, 4.0))
        flair = rng.random() < 0.82
        w = float(rng.uniform(38, 60))
        self.greys = (
            Greys(
                w,
                w * float(rng.uniform(1.08, 1.25)),
                w * 0.22,
                w * 1.06,
                w * float(rng.uniform(1.5, 2.7)),
                w * 1.3,
                w,
                w * 1.5,
            )
            if flair
            else Greys(w * 1.1, w * 0.9, w * 0.32, w, w * float(rng.uniform(1.8, 2.8)), w * 1.4, w, w * 2.0)
        )
        self.flair = bool(flair)

    def scale(self, level: float) -> float:
        """Size of the head's cross-section at ``level`` (0 skull base .. 1 vertex), largest = 1."""
        return float(np.sqrt(max(1.0 - (max(level - 0.5, 0.0) / 0.56) ** 2, 0.04))) * (
            0.94 + 0.06 * min(level / 0.4, 1)
        )

    def cut(self, x: Array, y: Array, level: float) -> tuple[Array, Array]:
        """Noise-free grey levels and the tumour mask at the coordinates of one slice."""
        mask, strength, core = self._tumour(x, y, level)
        if self.lesion is not None:
            x, y = self._push(x, y, level)
        warp_y = self._warp_y.at(x, y, level)
        x = x + 2.0 * self._warp_x.at(x, y, level)
        y = y + 2.0 * warp_y
        s = self.scale(level)
        a, b = self._width * s, self._length * s
        r = np.sqrt(x * x + y * y) + 1e-3
        # An egg: the forehead is narrower than the back.
        narrow = 1.0 + self._egg * (y / b)
        rho = np.sqrt((x / (a * narrow)) ** 2 + (y / b) ** 2)
        depth = (1.0 - rho) * r / np.maximum(rho, 0.05)
        g = self.greys
        image = np.zeros_like(x)
        outside = -depth
        slow = self._slow.at(x, y, level)
        scalp = self._scalp * (1.0 + 0.16 * slow) * (1.0 + 0.5 * max(level - 0.75, 0.0) / s)
        bone = self._bone * (1.0 - 0.12 * slow) * (1 + 0.5 * max(level - 0.75, 0.0))
        paint(image, g.skin, smooth(scalp + bone + 1.6 - outside, 0.7))
        fat = g.scalp * (1.0 + 0.16 * self._fine.at(x, y, level))
        paint(image, fat, smooth(scalp + bone - outside, 0.8))
        paint(image, g.fluid * 0.6, smooth(bone - outside, 0.6))
        diploe = np.exp(-(((outside - bone * 0.55) / (0.2 * bone)) ** 2))
        image += 0.22 * g.scalp * diploe * np.clip(0.6 + 0.5 * slow, 0, 1)
        brain = self._tissue(x, y, depth, level, a, b)
        base = float(smooth(np.array([0.27 - level]), 0.035)[0])
        inside = smooth(depth - 0.6, 0.7)
        if base > 0:
            base_image, in_base = skull_base(x, y, level, a, b, g, (self._fine, self._patch, self._fold))
            brain = brain * (1 - base) + base * base_image
            inside = inside * (1 - base) + base * in_base
        paint(image, brain, inside)
        if self.lesion is not None:
            mask = mask & (depth > 1.5)
            # Tumour replaces tissue less where fluid lies, so that sulci stay visible through an infiltration.
            seen = strength * smooth(depth - 1.5, 1.0) * np.clip((image / g.white - 0.25) / 0.5, 0.25, 1.0)
            value = g.white * (1.0 + self.lesion.contrast * (1.0 + 0.13 * self._patch.at(x, y, level)))
            value = value + g.white * 0.07 * self._fine.at(x, y, level)
            paint(image, value, np.clip(seen, 0, 1))
            if self.lesion.ring:
                paint(image, g.rim * (1 + 0.1 * self._fine.at(y, x, level)), np.exp(-((core / 0.10) ** 2)) * strength)
                paint(image, g.white * 0.5, smooth(core - 0.12, 0.1) * strength)
        return image, mask

    def _push(self, x: Array, y: Array, level: float) -> tuple[Array, Array]:
        """Mass effect: tissue around the tumour is sampled as if pushed outwards."""
        t = self.lesion
        assert t is not None
        dz = (level - t.level) / t.reach
        dx, dy = x - t.x, y - t.y
        k = 0.32 * float(np.exp(-dz * dz)) * np.exp((dx * dx + dy * dy) * (-1.0 / (1.5 * t.radius) ** 2))
        return x - k * dx, y - k * dy

    def _tumour(self, x: Array, y: Array, level: float) -> tuple[Array, Array, Array]:
        """Mask, soft cover and core distance of the tumour, with an irregular, infiltrating edge."""
        t = self.lesion
        if t is None:
            return np.zeros(x.shape, bool), np.zeros_like(x), np.zeros_like(x)
        c, s = float(np.cos(t.angle)), float(np.sin(t.angle))
        dx, dy = (x - t.x) * c + (y - t.y) * s, ((y - t.y) * c - (x - t.x) * s) * t.stretch
        dz = (level - t.level) / t.reach
        inner = 1.0 - np.sqrt((dx * dx + dy * dy) / t.radius**2 + dz * dz)
        rough = 0.16 * self._patch.at(x, y, level) + 0.11 * self._fold_warp.at(y, x, level)
        rough = rough + 0.05 * self._fine.at(x, y, level)
        field = (inner + rough).astype(np.float32)
        return field > 0, smooth(field - 0.02, 0.13), (inner + 0.5 * rough - 0.42).astype(np.float32)

    def _tissue(self, x: Array, y: Array, depth: Array, level: float, a: float, b: float) -> Array:
        """Brain above the skull base: cortex with sulci, white matter, deep grey matter, ventricles, falx."""
        g = self.greys
        patch, fine, fold_warp = (
            self._patch.at(x, y, level),
            self._fine.at(x, y, level),
            self._fold_warp.at(x, y, level),
        )
        # Folds stand upright on the surface: the pattern is laid out along the surface and stretched into the depth.
        theta = np.arctan2(y / b, x / a)
        along = theta * 0.5 * (a + b) + 5.0 * fold_warp
        ribbon = self._fold.at(along * 0.95, 0.40 * depth + 60.0 + 3.0 * patch, level)
        free = self._fold.at(x * 1.05 + 3.0 * patch, y * 1.05 + 200.0 + 3.0 * fold_warp, level)
        mix = smooth(depth - 15.0, 8.0)
        ridge = np.abs(ribbon * (1 - mix) + free * mix)
        medial = np.abs(x) + 0.5 * fine
        front_back = smooth(np.abs(y) - (0.42 * b if level < 0.62 else 0.0), 5.0)
        surface = np.minimum(depth, np.where(front_back > 0.5, medial * 1.1, 1e3))
        reach = 18.0 + 6.0 * patch
        near = smooth(reach - surface, 5.0)
        grey_cover = np.maximum(smooth(4.2 - surface, 1.3), near * smooth(0.62 - ridge, 0.22))
        image = np.full_like(x, g.white) * (1.0 + 0.035 * patch)
        paint(image, g.grey * (1.0 + 0.03 * fine), grey_cover)
        taper = np.clip(1.0 - surface / np.maximum(reach, 4.0), 0, 1)
        sulcus = smooth(self._atrophy * (0.08 + 0.26 * taper) - ridge, 0.10) * near * smooth(surface - 0.2, 1.0)
        if level < 0.75:
            self._deep(image, x, y, level, b)
        paint(image, g.fluid, 0.92 * sulcus)
        gap = self._atrophy * (0.5 + 0.5 * np.abs(patch))
        falx = smooth(gap - medial, 0.7) * np.maximum(front_back, 0.0 if level < 0.62 else 1.0)
        paint(image, g.fluid, 0.9 * falx)
        if self._falx_bright:
            paint(image, g.rim, 0.6 * smooth(0.55 - np.abs(x), 0.4) * smooth(-y - 0.25 * b, 6.0))
        paint(image, g.fluid, smooth(self._atrophy * 0.7 - depth, 0.7))
        if self.flair:
            spots = smooth(self._patch.at(x * 2.2, y * 2.2 + 90.0, level) - self._white_spots, 0.25)
            paint(image, g.white * 1.3, 0.6 * spots * (1 - near))
        return image

    def _deep(self, image: Array, x: Array, y: Array, level: float, b: float) -> None:
        """Ventricles, basal ganglia, thalami and the Sylvian fissures, by level."""
        g = self.greys
        show = float(smooth(np.array([0.56 - level]), 0.06)[0] * smooth(np.array([level - 0.26]), 0.04)[0])
        ragged = 0.8 * self._fold_warp.at(x, y, level)
        fluid = np.zeros_like(x)
        v = self._ventricle * float(np.clip((0.78 - level) / 0.3, 0.0, 1.0))
        for side in (-1.0, 1.0):
            size = v * (1.0 + side * self._asymmetry)
            mirrored = x * side
            for centre, radii, angle, value in (
                ((11.0, -3.0), (5.5, 12.0), 0.18, g.deep * 1.04),
                ((24.0, 2.0), (6.5, 16.0), -0.22, g.deep * 1.08),
                ((10.0, 17.0), (9.0, 13.0), -0.3, g.deep * 1.08),
            ):
                edge = ellipse(mirrored, y, centre, radii, angle) + ragged
                paint(image, value, 0.8 * show * smooth(edge, 1.6))
            edge = ellipse(mirrored, y, (40.0, -2.0), (2.6, 17.0), 0.1) + ragged
            paint(image, g.grey, 0.9 * show * smooth(edge + 2.5, 1.2))
            fluid = np.maximum(fluid, show * smooth(edge + 0.6 * self._atrophy - 0.8, 1.2))
            if size > 0.05:
                up = float(np.clip((level - 0.42) / 0.15, 0.0, 1.0))
                horns = (
                    ellipse(mirrored, y, (7.0 + 2 * up, -19.0 + 5 * up), (3.6 * size, 10.0), -0.42 * (1 - up)),
                    ellipse(mirrored, y, (16.0 - 4 * up, 30.0 - 7 * up), (3.8 * size, 11.0), -0.5 * (1 - up)),
                    ellipse(mirrored, y, (9.0, 3.0), (3.4 * size, 24.0), -0.12) - 4.0 * (1 - up),
                )
                for horn in horns:
                    fluid = np.maximum(fluid, smooth(horn + 0.35 * ragged, 0.8))
        fluid = np.maximum(fluid, show * smooth(ellipse(x, y, (0.0, 8.0), (1.6 * self._ventricle, 10.0)), 0.7))
        if 0.26 < level < 0.45:
            fluid = np.maximum(fluid, 0.8 * show * smooth(ellipse(x, y, (0.0, 0.46 * b), (9.0, 4.0)) + ragged, 1.2))
        paint(image, g.fluid, fluid)


def draw_lesion(rng: np.random.Generator, head_width: float, hard: bool) -> Lesion:
    """Choose a tumour's place, size and looks; ``hard`` ones are small and faint, or hug the skull."""
    side = float(rng.choice([-1.0, 1.0]))
    rim = hard and rng.random() < 0.5
    across = rng.uniform(0.70, 0.78) if rim else rng.uniform(0.28, 0.62)
    angle = rng.uniform(-1.1, 1.1)
    level = float(rng.uniform(0.34, 0.74))
    shrink = float(np.sqrt(max(1.0 - (max(level - 0.5, 0) / 0.56) ** 2, 0.1)))
    radius = float(rng.uniform(7, 11) if hard else rng.uniform(16, 34))
    contrast = float(rng.uniform(0.18, 0.26) if hard else rng.uniform(0.26, 0.66))
    if rng.random() < 0.06:
        contrast = -0.8 * min(contrast, 0.45)
    return Lesion(
        x=side * across * head_width * float(np.cos(angle)) * shrink,
        y=across * 1.25 * head_width * float(np.sin(angle)) * shrink,
        level=level,
        radius=radius * (0.8 + 0.2 * shrink),
        reach=0.13 + radius / 170.0,
        contrast=contrast,
        ring=bool(not hard and rng.random() < 0.14),
        stretch=float(rng.uniform(0.8, 1.5)),
        angle=float(rng.uniform(0, np.pi)),
    )


def brain(
    rng: np.random.Generator, tumour: bool, hard: bool = False, slices: int = 1, size: int = 256
) -> tuple[Array, Array]:
    """Draw a head.

    Args:
        rng: source of randomness.
        tumour: whether it holds a tumour.
        hard: small, faint or skull-hugging tumour.
        slices: number of slices, from low to high; a single slice cuts the tumour where there is one.
        size: height and width in pixels.

    Returns:
        8-bit grey levels as float32 ``(slices, size, size)`` and the bool mask of the same shape.
    """
    lesion = draw_lesion(rng, 67.0, hard)
    head = Head(rng, lesion if tumour else None)
    zoom = float(rng.uniform(0.82, 1.06)) * MM_PER_PIXEL * 256.0 / size
    shift = (float(rng.uniform(-4, 4)), float(rng.uniform(-6, 6)))
    x, y = pixel_grid((size, size), zoom, shift, float(rng.normal(0, 0.06)))
    shade = bias_field(rng, (size, size), float(rng.uniform(0.03, 0.11)))
    sigma = head.greys.white * float(rng.uniform(0.025, 0.055))
    pedestal = float(rng.choice([0.0, 1.0, 2.0, 5.0], p=[0.4, 0.3, 0.2, 0.1]))
    if slices == 1:
        loose = float(rng.uniform(0.05, 0.95))
        levels = np.array([max(lesion.level + rng.uniform(-0.4, 0.4) * lesion.reach, 0.31) if tumour else loose])
    else:
        levels = np.linspace(0.12, 0.93, slices)
    images, masks = [], []
    for level in levels:
        clean, mask = head.cut(x, y, float(np.clip(level, 0.02, 0.97)))
        noisy = rician(rng, clean * shade, sigma, 0.65) + pedestal
        images.append(np.clip(np.rint(noisy), 0, 255).astype(np.float32))
        masks.append(mask)
    return np.stack(images), np.stack(masks)
