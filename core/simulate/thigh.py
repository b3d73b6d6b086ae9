"""Simulated thigh for PET/MR: one leg with or without a soft-tissue tumour, as T1 MR and as PET in SUV.

Both modalities are cut from the same leg (same seed), each on its own grid, as matched volumes come. Geometry in mm.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.simulate.fields import Array, Noise, bias_field, ellipse, paint, pixel_grid, rician, smooth, texture

MR_STEP, PET_STEP, SLICE_STEP = 0.977, 5.469, 3.27
MR_SIZE, PET_SIZE = 192, 34


class Leg:
    """One leg, fixed by its seed."""

    def __init__(self, rng: np.random.Generator, tumour: bool, hard: bool) -> None:
        self.tumour = tumour
        self._warp, self._fine = Noise(rng, 40.0, 4, tiles=12), Noise(rng, 4.0, 12, tiles=64)
        self._patch, self._spot = Noise(rng, 11.0, 8, tiles=32), Noise(rng, 6.5, 10, tiles=48)
        self.radius = (float(rng.uniform(66, 80)), float(rng.uniform(66, 82)))
        self.fat = float(rng.uniform(7, 20))
        self.bone = (float(rng.uniform(-12, 12)), float(rng.uniform(-14, 4)))
        angle = np.sort(rng.uniform(-np.pi, np.pi, 9)) + rng.normal(0, 0.05, 9)
        reach = rng.uniform(22, 52, 9)
        self.bellies = np.column_stack([self.bone[0] + reach * np.cos(angle), self.bone[1] + reach * np.sin(angle)])
        self.tones = rng.normal(1.0, 0.05, 9)
        where = float(rng.uniform(-np.pi, np.pi))
        self.size = float(rng.uniform(7, 11) if hard else rng.uniform(18, 36))
        off = float(rng.uniform(30, 42))
        self.at = (off * np.cos(where), off * np.sin(where))
        self.long = float(rng.uniform(0.8, 1.3))
        self.uptake = float(rng.uniform(1.5, 2.2) if hard else rng.uniform(3.2, 9.0))
        self.necrosis = bool(rng.random() < 0.5 and not hard)
        self.signal = float(rng.uniform(1.05, 1.15) if hard else rng.uniform(0.75, 1.4))
        self.muscle_uptake = float(rng.uniform(0.45, 0.75))

    def mass(self, x: Array, y: Array, z: float) -> Array:
        """Signed depth (mm) inside the tumour at height ``z`` mm from its centre; negative everywhere without one."""
        if not self.tumour:
            return np.full_like(x, -99.0)
        half = self.size * 1.35
        shrink = float(np.sqrt(max(1.0 - (z / half) ** 2, 0.0)))
        if shrink <= 0.05:
            return np.full_like(x, -99.0)
        size = self.size * shrink
        inside = ellipse(x, y, self.at, (size * self.long, size / self.long), 0.4)
        return inside + size * 0.06 * self._patch.at(x * 0.7, y * 0.7, self._level(z))

    @staticmethod
    def _level(z: float) -> float:
        return float(np.clip(0.5 + z / 160.0, 0.0, 1.0))

    def t1(self, x: Array, y: Array, z: float) -> tuple[Array, Array]:
        """T1 signal (fat near 950) and tumour mask."""
        k = self._level(z)
        warp, fine, patch = self._warp.at(x, y, k), self._fine.at(x, y, k), self._patch.at(x, y, k)
        skin = ellipse(x, y, (0.0, 0.0), self.radius) + 2.5 * warp
        mass = self.mass(x, y, z)
        image = np.zeros_like(x)
        paint(image, 420.0, smooth(skin, 0.8))
        strands = np.abs(self._spot.at(x, y, k))
        paint(image, 940.0 + 25.0 * patch - 190.0 * smooth(0.10 - strands, 0.08), smooth(skin - 1.8, 0.8))
        bulge = np.maximum(skin - self.fat * (1.0 + 0.25 * warp), mass + 2.0)
        paint(image, 180.0, smooth(bulge, 0.8))
        muscle = smooth(bulge - 1.4, 0.8)
        px, py = x + 3.0 * patch, y + 3.0 * warp
        gaps = np.stack([np.hypot(px - cx, py - cy) * t for (cx, cy), t in zip(self.bellies, self.tones, strict=True)])
        order = np.sort(gaps, axis=0)
        tone = np.choose(np.argmin(gaps, axis=0), list(self.tones)).astype(np.float32)
        streak = smooth(self._spot.at(x * 0.7 + 9.0, y * 1.6, k) - 1.3, 0.5)
        paint(image, 300.0 * tone * (1 + 0.035 * fine) + 170.0 * streak, muscle)
        septum = smooth(1.5 + 0.8 * patch - (order[1] - order[0]), 0.9) * muscle
        paint(image, 620.0, 0.8 * septum)
        bundle = ellipse(x, y, (self.bone[0] - 32.0, self.bone[1] + 8.0), (13.0, 9.0), 0.5) + 1.5 * patch
        paint(image, 820.0, 0.85 * smooth(bundle, 2.0) * muscle)
        for dx, dy, r in ((-34.0, 6.0, 4.2), (-29.0, 10.0, 5.0), (-38.0, 11.0, 2.6)):
            paint(image, 90.0, smooth(ellipse(x, y, (self.bone[0] + dx, self.bone[1] + dy), (r, r)), 0.8) * muscle)
        femur = ellipse(x, y, self.bone, (15.0, 14.0)) + 0.6 * warp
        paint(image, 70.0, smooth(femur, 0.8))
        paint(image, 900.0 + 45.0 * patch, smooth(femur - 5.2, 1.0))
        cover = smooth(mass, 1.2)
        value = 300.0 * self.signal * (1.0 + 0.14 * patch + 0.05 * self._spot.at(x, y, k) + 0.03 * fine)
        if self.necrosis:
            value = value * (1.0 - 0.3 * smooth(mass - 0.42 * self.size + 3.0 * patch, 3.0))
        paint(image, 210.0, 0.8 * smooth(1.4 - np.abs(mass), 0.9) * muscle)
        paint(image, value, cover * smooth(skin - 2.0, 1.0))
        return image, mass > 0

    def uptake_map(self, x: Array, y: Array, z: float) -> tuple[Array, Array]:
        """Noise-free SUV and tumour mask on a fine grid."""
        k = self._level(z)
        patch = self._patch.at(x, y, k)
        skin = ellipse(x, y, (0.0, 0.0), self.radius) + 2.5 * self._warp.at(x, y, k)
        mass = self.mass(x, y, z)
        image = 0.02 + 0.24 * smooth(skin, 2.0)
        paint(image, self.muscle_uptake * (1.0 + 0.12 * patch), smooth(skin - self.fat, 2.0))
        paint(image, 1.2, smooth(ellipse(x, y, (self.bone[0] - 32.0, self.bone[1] + 8.0), (6.0, 6.0)), 1.5))
        paint(image, 0.35, smooth(ellipse(x, y, self.bone, (14.0, 14.0)), 1.5))
        value = self.uptake * np.clip(1.0 + 0.20 * patch + 0.12 * self._spot.at(x, y, k), 0.35, 1.7)
        if self.necrosis:
            value = value * (1.0 - 0.72 * smooth(mass - 0.40 * self.size + 3.0 * patch, 4.0))
        paint(image, value, smooth(mass, 1.5))
        return image, mass > 0


def thigh(
    rng: np.random.Generator, tumour: bool, hard: bool = False, slices: int = 1, modality: str = "PT"
) -> tuple[Array, Array, float]:
    """Draw a leg.

    Args:
        rng: source of randomness; the same state gives the same leg in both modalities.
        tumour: whether it holds a tumour.
        hard: a small tumour of low uptake, nearly muscle's signal on MR.
        slices: number of slices, ``SLICE_STEP`` mm apart, centred on the tumour's place.
        modality: ``"PT"`` (SUV) or ``"MR"`` (T1, arbitrary units).

    Returns:
        Pixels float32 ``(slices, h, w)``, the bool mask and the pixel size in mm.
    """
    leg = Leg(rng, tumour, hard)
    offset = float(rng.uniform(-0.35, 0.35)) * leg.size
    angle, shift = float(rng.normal(0, 0.2)), (float(rng.uniform(-6, 6)), float(rng.uniform(-6, 6)))
    mr = modality == "MR"
    step = MR_STEP if mr else PET_STEP
    fine = 1 if mr else 5
    size = MR_SIZE if mr else PET_SIZE
    x, y = pixel_grid((size * fine, size * fine), step / fine, shift, angle)
    heights = [offset] if slices == 1 else [(i - (slices - 1) / 2.0) * SLICE_STEP for i in range(slices)]
    shade = bias_field(rng, (size, size), 0.09)
    sigma = float(rng.uniform(9, 18)) if mr else float(rng.uniform(0.10, 0.2))
    images, masks = [], []
    for z in heights:
        if mr:
            clean, mask = leg.t1(x, y, z)
            image = rician(rng, clean * shade, sigma)
        else:
            clean, mask = leg.uptake_map(x, y, z)
            # Scanner's point spread: 6 mm full width at half maximum.
            clean = cv2.GaussianBlur(clean, (0, 0), 2.55 / (step / fine))
            clean = cv2.resize(clean, (size, size), interpolation=cv2.INTER_AREA)
            mask = cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) > 0.5
            # Counts behave like Poisson counts before smoothing: spread grows with the root of the uptake.
            image = np.maximum(clean + sigma * np.sqrt(clean + 0.01) * texture(rng, (size, size), 0.75), 0.0)
        images.append(image.astype(np.float32))
        masks.append(mask)
    return np.stack(images), np.stack(masks), step
