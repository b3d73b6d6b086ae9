"""Simulated axial chest CT in Hounsfield units, and its picture version.

Geometry is in millimetres around the body's centre (x to the image's right, y to the back). A thorax is fixed once by
its seed and cut at any level (0 thoracic inlet .. 1 dome of the liver), so a stack of slices is one consistent body.
"""

from __future__ import annotations

import numpy as np

from core.simulate.airways import Tree, draw_tree, grow_tree
from core.simulate.chest_lesions import HEIGHT_MM, ChestLesion, draw_chest_lesion, paint_lesion
from core.simulate.fields import Array, Noise, ct_noise, ellipse, paint, pixel_grid, smooth

AIR, LUNG, FAT, MUSCLE, BONE = -1000.0, -870.0, -100.0, 52.0, 620.0
PICTURE_CENTRE, PICTURE_WIDTH = -500.0, 1500.0


def to_picture(hounsfield: Array, centre: float = PICTURE_CENTRE, width: float = PICTURE_WIDTH) -> Array:
    """8-bit grey levels (float32, 0..255) of a CT in HU through a display window.

    The default lung window (centre -500, width 1500 HU) puts air at 42 and soft tissue at 220, where public lung
    window pictures have them.
    """
    grey = (hounsfield - (centre - width / 2.0)) / width * 255.0
    return np.clip(np.rint(grey), 0, 255).astype(np.float32)


class Thorax:
    """One simulated chest, cut slice by slice."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.half_width = float(rng.uniform(158, 188))
        self.half_depth = float(rng.uniform(104, 124))
        self.fat = float(rng.uniform(8, 24))
        self.enhanced = float(rng.choice([46.0, rng.uniform(130, 230)], p=[0.55, 0.45]))
        self.heart_size = float(rng.uniform(0.86, 1.15))
        self.lung = LUNG + float(rng.normal(0, 22))
        self.table = float(rng.uniform(6, 22))
        self.couch = bool(rng.random() < 0.85)
        self._rib_phase = float(rng.uniform(0, 6.28))
        self._warp = Noise(rng, 70.0, 5, tiles=12)
        self._patch = Noise(rng, 24.0, 8, tiles=32)
        self._fine = Noise(rng, 5.0, 16, tiles=96)
        self._gland = Noise(rng, 11.0, 10, tiles=64)
        self.trees: tuple[Tree, ...] = tuple(grow_tree(rng, side) for side in (-1.0, 1.0))
        self._breast = float(rng.choice([0.0, rng.uniform(8, 26)]))

    def cavity(self, level: float) -> tuple[float, float, float]:
        """Half width, half depth (mm) of the rib cage's inside and its centre's y at ``level``."""
        k = float(np.sin(np.clip(0.32 + 0.85 * level, 0, 1) * np.pi / 2))
        return 0.75 * self.half_width * k, 0.74 * self.half_depth * (0.62 + 0.38 * k), 4.0

    def lungs(self, x: Array, y: Array, level: float) -> Array:
        """Approximate signed distance (positive inside) to the lungs, mm."""
        a, b, cy = self.cavity(level)
        soft = 3.0 * self._warp.at(x, y, level)
        cage = ellipse(x, y, (0.0, cy), (a, b), 0.0, 2.35) + 0.5 * soft
        spine = ellipse(x, y, (0.0, b + cy - 14.0), (23.0, 30.0), 0.0, 2.2)
        wide = 27.0 - 5.0 * np.cos(2 * np.pi * level)
        middle = ellipse(x, y, (2.0, -0.12 * b), (wide * 1.05, 0.86 * b), 0.0, 2.0)
        middle = np.maximum(middle, ellipse(x, y, (0.0, -0.86 * b), (0.34 * a, 0.26 * b)))
        middle = np.maximum(middle, ellipse(x, y, (0.0, 0.15 * b), (24.0, 0.4 * b)))
        middle = np.maximum(middle, self._heart(x, y, level) + 2.5)
        middle = np.maximum(middle, ellipse(x, y, (18.0, 0.42 * b), (15.0, 15.0)))
        out = np.minimum(cage, -(np.maximum(middle, spine) + soft))
        if level > 0.82:
            dome = ellipse(x, y, (-0.45 * a, -0.1 * b), (0.52 * a, 0.66 * b)) - 60.0 * (1.0 - level) / 0.18 + 20.0
            out = np.minimum(out, -dome)
        return out.astype(np.float32)

    def _heart(self, x: Array, y: Array, level: float) -> Array:
        show = float(np.clip((level - 0.42) / 0.22, 0.0, 1.0))
        if show <= 0:
            return np.full_like(x, -50.0)
        k = self.heart_size * (0.55 + 0.45 * show)
        _, b, _ = self.cavity(level)
        return ellipse(x, y, (16.0, -0.40 * b), (53.0 * k, 39.0 * k), 0.42) - 14.0 * (1.0 - show)

    def cut(self, x: Array, y: Array, level: float, slab: float, lesion: ChestLesion | None) -> tuple[Array, Array]:
        """Noise-free HU and the lesion mask at one level; ``slab`` is the slice thickness in mm."""
        step = float(abs(x[0, 1] - x[0, 0]))
        a, b, cy = self.cavity(level)
        warp, patch, fine = self._warp.at(x, y, level), self._patch.at(x, y, level), self._fine.at(x, y, level)
        image = np.full_like(x, AIR)
        shoulder = float(np.clip(0.30 - level, 0.0, 0.3)) / 0.3
        outline = ellipse(x, y, (0.0, 0.0), (self.half_width, self.half_depth), 0.0, 2.5) + 2.5 * warp
        if shoulder > 0:
            arms = ellipse(np.abs(x), y, (0.80 * self.half_width, -4.0), (62.0 * shoulder + 30.0, 58.0), 0.25)
            outline = np.maximum(outline, arms + 2.0 * warp - 8.0 * (1.0 - shoulder))
            outline = outline - 14.0 * shoulder * smooth(-y - 0.45 * self.half_depth, 20.0)
        if self._breast and 0.3 < level < 0.85:
            swell = self._breast * float(np.sin((level - 0.3) / 0.55 * np.pi))
            at = (0.48 * self.half_width, -0.80 * self.half_depth)
            outline = np.maximum(outline, ellipse(np.abs(x), y, at, (58.0, 18.0 + swell)))
        paint(image, 10.0, smooth(outline, 0.7 * step))
        lobules = 11.0 * patch + 7.0 * fine
        paint(image, FAT + lobules, smooth(outline - 2.2, 0.7 * step))
        strands = np.abs(self._gland.at(x, y, level))
        paint(image, -20.0, 0.5 * smooth(0.10 - strands, 0.08) * smooth(outline - 2.2, step))
        if self._breast and 0.3 < level < 0.85:
            at = (0.48 * self.half_width, -0.84 * self.half_depth)
            gland = ellipse(np.abs(x), y, at, (34.0, 15.0)) + 6.0 * self._gland.at(x, y, level)
            paint(image, 30.0, 0.8 * smooth(gland, 3.0) * smooth(outline - 6.0, 2.0))
        cage = ellipse(x, y, (0.0, cy), (a, b), 0.0, 2.35) + 1.5 * warp
        self._wall(image, x, y, level, cage, outline, patch, step)
        inside = smooth(cage + 1.0, step)
        paint(image, MUSCLE - 4.0, inside)
        self._mediastinum(image, x, y, level, b, patch, step)
        lung = self.lungs(x, y, level)
        self._spine(image, x, y, level, b + cy, fine, step)
        air = self.lung + 26.0 * (y / b) + 16.0 * patch + 12.0 * fine
        cover = smooth(lung, 0.8 * step)
        paint(image, air, cover)
        fissure = np.abs(ellipse(np.abs(x), y, (0.4 * a, 1.5 * b - 1.2 * b * level), (1.4 * a, 1.1 * b)))
        paint(image, air + 90.0, 0.8 * smooth(0.8 - fissure, 0.7) * cover)
        vessels = draw_tree(self.trees, x.shape, (x, y), level * HEIGHT_MM, slab)
        paint(image, 30.0, np.clip(vessels, 0, 1) * np.maximum(smooth(lung - 1.0, 1.2), 0.0))
        mask = np.zeros(x.shape, bool)
        if lesion is not None:
            mask = paint_lesion(image, x, y, level * HEIGHT_MM, lung, lesion, (self._gland, self._fine), step)
        if self.couch:
            self._couch(image, x, y)
        return image, mask

    def _wall(
        self, image: Array, x: Array, y: Array, level: float, cage: Array, outline: Array, patch: Array, step: float
    ) -> None:
        """Chest wall muscles, ribs, sternum, scapulae and shoulder bones."""
        theta = np.arctan2(y, x * self.half_depth / self.half_width)
        a, b, cy = self.cavity(level)
        back = smooth(y - 0.1 * b, 25.0)
        thick: Array = 15.0 + 9.0 * back + 9.0 * smooth(-y - 0.4 * b, 15.0) * smooth(0.55 - level, 0.2) + 3.0 * patch
        thick = thick + 20.0 * smooth(np.abs(x) - 0.75 * a, 20.0) * smooth(0.4 - level, 0.15)
        muscle = smooth(np.minimum(cage + thick, outline - 0.55 * self.fat - 3.0), 1.2)
        paint(image, MUSCLE + 5.0 * patch, muscle)
        paint(image, FAT, 0.75 * muscle * smooth(1.1 - np.abs(cage + thick * 0.62 + 2.0 * patch), 0.9))
        ring = 4.0 - np.abs(cage + 6.5)
        wave = np.sin(9.0 * np.abs(theta + np.pi / 2) + 22.0 * level + self._rib_phase)
        rib = np.minimum(ring, (wave - 0.15) * 9.0)
        rib = np.minimum(rib, 30.0 - 30.0 * smooth(12.0 - np.abs(x), 4.0))
        paint(image, BONE, smooth(rib, 0.8 * step))
        paint(image, 210.0 + 60.0 * patch, smooth(rib - 2.0, 1.0))
        sternum = ellipse(x, y, (0.0, cy - b - 8.0), (19.0 + 12.0 * max(0.35 - level, 0), 6.5), 0.0, 3.0)
        if level < 0.85:
            paint(image, BONE - 120.0, smooth(sternum, step))
            paint(image, 160.0 + 40.0 * patch, smooth(sternum - 2.0, 1.2))
        if level < 0.62:
            m = np.abs(x)
            length = 42.0 * float(np.sin(np.clip(1.0 - level / 0.62, 0.0, 1.0) * np.pi * 0.5 + 0.2))
            blade = ellipse(m, y, (0.60 * self.half_width, 0.62 * self.half_depth), (length, 3.4), -0.62)
            paint(image, MUSCLE + 4.0 * patch, smooth(blade + 9.0, 1.5) * smooth(outline - 6.0, 2.0))
            paint(image, BONE, smooth(blade, step) * smooth(outline - 8.0, 2.0))
            paint(image, 260.0, smooth(blade - 1.8, 0.8) * smooth(outline - 8.0, 2.0))

    def _spine(self, image: Array, x: Array, y: Array, level: float, back: float, fine: Array, step: float) -> None:
        """Vertebral body, canal, laminae and spinous process; the disc shows between bodies."""
        at = back - 24.0
        muscle = ellipse(np.abs(x), y, (27.0, at + 33.0), (24.0, 14.0))
        paint(image, MUSCLE, smooth(muscle, 1.5))
        arch = np.maximum(
            ellipse(np.abs(x), y, (15.0, at + 22.0), (5.5, 15.0), 0.7), ellipse(x, y, (0.0, at + 37.0), (3.4, 13.0))
        )
        arch = np.maximum(arch, ellipse(np.abs(x), y, (29.0, at + 22.0), (16.0, 4.5), 0.25))
        paint(image, BONE - 60.0, smooth(arch, step))
        paint(image, 260.0, smooth(arch - 2.0, 1.0))
        body = ellipse(x, y, (0.0, at), (17.5, 14.5), 0.0, 2.5)
        disc = float(smooth(np.array([np.cos(level * HEIGHT_MM / 23.0 * 2 * np.pi) - 0.75]), 0.15)[0])
        paint(image, (1 - disc) * 430.0 + disc * 95.0, smooth(body, step))
        paint(image, (1 - disc) * (190.0 + 55.0 * fine) + disc * 85.0, smooth(body - 2.0, 1.2))
        paint(image, 28.0, smooth(ellipse(x, y, (0.0, at + 22.0), (9.5, 7.5)), 1.0))

    def _mediastinum(self, image: Array, x: Array, y: Array, level: float, b: float, patch: Array, step: float) -> None:
        """Fat, great vessels, heart, airways and oesophagus, by level."""
        blood = self.enhanced
        fatty = ellipse(x, y, (3.0, -0.30 * b), (27.0, 0.62 * b)) + 3.0 * patch
        paint(image, FAT + 30.0, 0.75 * smooth(fatty, 3.0))
        round_ones: list[tuple[float, float, float, float]] = []
        if level < 0.27:
            round_ones = [(-17, -30, 7, 6), (17, -31, 7, 6), (-12, -16, 5.5, 5.5), (11, -14, 4.5, 4.5), (21, -8, 5, 5)]
        elif level < 0.40:
            paint(image, blood, smooth(ellipse(x, y, (4.0, -16.0), (35.0, 12.5), -0.75), step))
            round_ones = [(-19, -26, 9, 8)]
        else:
            round_ones = [(-6, -28, 16, 16), (-26, -22, 9.5, 8.5), (20, 0.42 * b, 12, 12)]
            if level < 0.60:
                paint(image, blood, smooth(ellipse(x, y, (20.0, -26.0), (15.0, 14.0)), step))
                paint(image, blood, smooth(ellipse(x, y, (0.0, -10.0), (34.0, 9.0), 0.1), step))
        for cx, cy, rx, ry in round_ones:
            paint(image, blood, smooth(ellipse(x, y, (cx, cy), (rx, ry)), step))
        heart = self._heart(x, y, level)
        paint(image, FAT + 15.0, smooth(heart + 3.0, 1.5))
        paint(image, MUSCLE + 0.25 * (blood - MUSCLE), smooth(heart, step))
        if level > 0.5:
            k = self.heart_size
            for at, radii in (
                ((34.0, -24.0), (24.0, 17.0)),
                ((-6.0, -40.0), (25.0, 16.0)),
                ((4.0, -4.0), (24.0, 13.0)),
            ):
                chamber = ellipse(x, y, at, (radii[0] * k, radii[1] * k), 0.45) + 2.0 * patch
                paint(image, blood, smooth(np.minimum(chamber, heart - 7.0), 2.0))
        if level >= 0.82:
            paint(image, 62.0, smooth(ellipse(x, y, (-60.0, -5.0), (70.0, 62.0)) - 300.0 * (1.0 - level), step))
        paint(image, 32.0, smooth(ellipse(x, y, (6.0, 0.42 * b - 12.0), (8.5, 6.0)), step))
        if level < 0.45:
            paint(image, 20.0, smooth(ellipse(x, y, (0.0, 8.0), (10.5, 10.0)), step))
            paint(image, AIR + 15.0, smooth(ellipse(x, y, (0.0, 8.0), (8.8, 8.2)), step))
        elif level < 0.66:
            apart = (level - 0.42) * 130.0
            tube = ellipse(np.abs(x), y, (apart, 8.0), (8.0 + 4.0 * (0.66 - level), 6.3), 0.15)
            paint(image, 20.0, smooth(tube + 1.6, step))
            paint(image, AIR + 20.0, smooth(tube, step))

    def _couch(self, image: Array, x: Array, y: Array) -> None:
        """Patient table: two thin curved shells behind the back."""
        sag = (x / 190.0) ** 2
        for offset, bend, value in ((0.0, -34.0, -180.0), (30.0, -64.0, 60.0)):
            line = y - (self.half_depth + self.table + offset + bend * sag)
            paint(image, value, smooth(1.3 - np.abs(line), 1.0) * smooth(188.0 - np.abs(x), 2.0))


def chest(
    rng: np.random.Generator, label: str, hard: bool = False, slices: int = 1, size: int = 320
) -> tuple[Array, Array, float, float]:
    """Draw a chest.

    Args:
        rng: source of randomness.
        label: ``"normal"``, ``"benign"`` or ``"malignant"``.
        hard: ground-glass, pleural or hidden-behind-the-heart lesion.
        slices: number of slices; they span the lesion, or the hilum where there is none.
        size: height and width in pixels.

    Returns:
        HU float32 ``(slices, size, size)``, the bool lesion mask, pixel spacing and slice distance in mm.
    """
    body = Thorax(rng)
    field = float(rng.uniform(1.08, 1.26)) * 2.0 * body.half_width
    step = field / size
    shift = (float(rng.uniform(-8, 8)), float(rng.uniform(2, 16)))
    x, y = pixel_grid((size, size), step, shift, float(rng.normal(0, 0.02)))
    lesion = draw_chest_lesion(rng, body.lungs, body.cavity, label, hard)
    gap = 5.0
    middle = lesion.level
    if slices == 1:
        levels = [middle + float(rng.uniform(-0.3, 0.3)) * lesion.radius / HEIGHT_MM]
    else:
        span = (slices - 1) * gap / HEIGHT_MM
        start = float(np.clip(middle - span * rng.uniform(0.3, 0.7), 0.04, max(0.96 - span, 0.04)))
        levels = [start + i * gap / HEIGHT_MM for i in range(slices)]
    sigma, cutoff = float(rng.uniform(14, 48)), float(rng.uniform(0.22, 0.5))
    images, masks = [], []
    for level in levels:
        clean, mask = body.cut(x, y, float(np.clip(level, 0.02, 0.98)), gap, lesion if label != "normal" else None)
        noise = sigma * ct_noise(rng, (size, size), cutoff)
        # Fewer photons come through the body than past it.
        noise = noise * (0.45 + 0.55 * smooth(200.0 - np.hypot(x, y * 1.4), 80.0))
        circle = np.hypot(x, y) < field / 2.0 + 12.0
        images.append(np.where(circle, np.maximum(clean + noise, -1024.0), -1024.0).astype(np.float32))
        masks.append(mask)
    return np.stack(images), np.stack(masks), step, gap
