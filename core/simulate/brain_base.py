"""The lowest brain slices: temporal lobes, cerebellum, brain stem, petrous bone, orbits and nasal cavity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.simulate.fields import Array, Noise, ellipse, paint, smooth

if TYPE_CHECKING:
    from core.simulate.brain import Greys


def skull_base(
    x: Array, y: Array, level: float, a: float, b: float, g: Greys, noises: tuple[Noise, Noise, Noise]
) -> tuple[Array, Array]:
    """Grey levels of a slice through the skull base, and where they replace the slice above (0..1).

    Args:
        x, y: coordinates in mm, as in ``brain``.
        level: 0 (lowest) to about 0.3.
        a, b: half width and half length of the cranial cavity here, mm.
        g: grey levels.
        noises: fine, patchy and ribbon-like fields of the head.
    """
    fine, patch, fold = noises
    rough = 1.4 * patch.at(x, y, level)
    low = float(np.clip(1.0 - level / 0.27, 0.0, 1.0))
    image = g.skin * (0.55 + 0.28 * patch.at(x * 1.3, y * 1.3, level) + 0.16 * fine.at(x, y, level))
    image = np.clip(image, g.fluid * 0.5, g.scalp).astype(np.float32)
    inside = smooth(ellipse(x, y, (0.0, 0.0), (a + 3.0, b + 3.0)), 1.5)
    ring = np.abs(ellipse(x, y, (0.0, 0.1 * b), (a, 0.9 * b)))
    paint(image, g.fluid * 0.6, smooth(3.0 - ring, 1.0) * smooth(y + 0.35 * b, 6.0))

    for side in (-1.0, 1.0):
        m = x * side
        petrous = ellipse(m, y, (0.5 * a, 0.20 * b), (0.42 * a, 8.0), -0.6) + rough
        paint(image, g.fluid * (0.8 + 0.5 * np.abs(fine.at(x, y, level))), smooth(petrous + 2, 1.2))
        temporal = ellipse(m, y, (0.56 * a, -0.13 * b), (0.36 * a, (0.40 - 0.08 * low) * b), 0.12, 2.4) + rough
        cover = smooth(temporal, 1.0)
        folds = np.abs(fold.at(m * 1.1, y * 1.1 + 31.0, level))
        tissue = g.white + (g.grey - g.white) * np.maximum(smooth(5.0 - temporal, 2.0), smooth(0.6 - folds, 0.2))
        paint(image, g.fluid * 0.8, smooth(temporal + 4.5, 1.0))
        paint(image, tissue * (1 + 0.03 * fine.at(x, y, level)), cover)
        paint(image, g.fluid, 0.8 * smooth(0.14 - folds, 0.1) * cover * smooth(12.0 - temporal, 4.0))

    cerebellum = ellipse(x, y, (0.0, 0.58 * b), (0.70 * a, 0.33 * b), 0.0, 2.4) + rough
    # Folia run as thin shells parallel to the surface.
    shells = np.sin(2.0 * np.pi * cerebellum / 3.4 + 2.5 * patch.at(x, y, level))
    tissue = g.grey * (0.97 + 0.07 * shells * smooth(15.0 - cerebellum, 6.0))
    tissue = tissue + (g.white - g.grey) * smooth(cerebellum - 11.0, 4.0)
    paint(image, g.fluid * 0.8, smooth(cerebellum + 3.0, 1.0))
    paint(image, tissue, smooth(cerebellum, 1.0))
    paint(image, g.fluid, 0.8 * smooth(1.0 - np.abs(x), 0.7) * smooth(y - 0.8 * b, 3.0) * smooth(cerebellum, 1.0))
    stem = ellipse(x, y, (0.0, 0.17 * b), (14.0 - 3.0 * low, 12.0 - 2.0 * low), 0.0, 2.3) + 0.4 * rough
    paint(image, g.fluid, smooth(stem + 5.0, 1.5))
    paint(image, g.white * (1.02 + 0.03 * fine.at(x, y, level)), smooth(stem, 1.0))
    paint(image, g.fluid, smooth(ellipse(x, y, (0.0, 0.17 * b + 15.0), (6.0, 3.2)) + 0.3 * rough, 0.8))

    if level < 0.22:
        _face(image, x, y, level, a, b, g, fine, patch)
    return image, inside


def _face(
    image: Array, x: Array, y: Array, level: float, a: float, b: float, g: Greys, fine: Noise, patch: Noise
) -> None:
    """Orbits with globes, optic nerves and muscles; ethmoid cells between them."""
    front = smooth(-y - 0.46 * b, 4.0)
    paint(image, g.skin * (0.6 + 0.25 * patch.at(x * 2, y * 2, level)), front)
    cells = np.abs(fine.at(x * 0.9, y * 0.5, level))
    paint(image, g.fluid * 0.5, smooth(ellipse(x, y, (0.0, -0.66 * b), (0.17 * a, 0.28 * b)), 1.0))
    septa = smooth(0.22 - cells, 0.12) * smooth(ellipse(x, y, (0.0, -0.66 * b), (0.16 * a, 0.27 * b)), 1.0)
    paint(image, g.skin, septa)
    for side in (-1.0, 1.0):
        m = x * side
        cone = ellipse(m, y, (0.43 * a, -0.66 * b), (0.23 * a, 0.27 * b), 0.35, 1.8)
        paint(image, g.fluid * 0.6, smooth(cone + 3.0, 1.0))
        paint(image, g.scalp * 0.85 * (1 + 0.08 * fine.at(x, y, level)), smooth(cone, 1.0))
        nerve = ellipse(m, y, (0.37 * a, -0.60 * b), (1.6, 0.19 * b), 0.3)
        paint(image, g.white * 0.9, smooth(nerve, 0.7))
        for offset in (-0.17, 0.17):
            muscle = ellipse(m, y, ((0.41 + offset) * a, -0.62 * b), (1.7, 0.16 * b), 0.3 - offset)
            paint(image, g.white, smooth(muscle, 0.7))
        globe = ellipse(m, y, (0.47 * a, -0.80 * b), (11.5, 11.5))
        paint(image, g.white * 1.1, smooth(globe + 1.2, 0.7))
        paint(image, g.fluid * 1.3, smooth(globe, 0.7))
        paint(image, g.white, smooth(ellipse(m, y, (0.47 * a, -0.80 * b - 8.0), (4.5, 1.8)), 0.6))
