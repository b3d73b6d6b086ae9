"""Simulated axial brain MR, T1-like after contrast: no tumour, glioma, meningioma or pituitary tumour.

The head is that of :mod:`core.simulate.brain` in other grey levels: white matter brighter than grey, fluid dark, fat
and what takes up contrast bright. Each tumour has the looks a textbook gives it: a glioma an uneven bright ring about a
dark core, a meningioma an evenly bright ball on the skull, a pituitary tumour one in the middle of the skull base.
"""

from __future__ import annotations

import numpy as np

from core.simulate.brain import MM_PER_PIXEL, Greys, Head, Lesion
from core.simulate.fields import Array, bias_field, pixel_grid, rician, smooth

SIZE = 192  # pixels a side, as the real set has at most


def _greys(rng: np.random.Generator) -> Greys:
    white = float(rng.uniform(75, 105))
    return Greys(
        white=white,
        grey=white * float(rng.uniform(0.76, 0.86)),
        fluid=white * 0.30,
        deep=white * 0.88,
        scalp=white * float(rng.uniform(1.5, 2.1)),
        skin=white * 1.1,
        lesion=white,
        rim=white * float(rng.uniform(1.6, 2.0)),
    )


def _lesion(rng: np.random.Generator, label: str, hard: bool) -> Lesion:
    side = float(rng.choice([-1.0, 1.0]))
    angle = float(rng.uniform(-1.0, 1.0))
    level = float(rng.uniform(0.40, 0.66))
    contrast = float(rng.uniform(0.28, 0.36) if hard else rng.uniform(0.5, 0.85))
    if label == "pituitary tumour":
        radius = float(rng.uniform(7, 9) if hard else rng.uniform(10, 15))
        return Lesion(
            float(rng.uniform(-2, 2)), float(rng.uniform(-20, -14)), 0.34, radius, 0.16, contrast, False, 1.0, 0
        )
    if label == "meningioma":
        radius, across = float(rng.uniform(8, 11) if hard else rng.uniform(14, 24)), 0.8
        return Lesion(*_at(side, across, angle), level, radius, 0.15 + radius / 170, contrast, False, 1.0, 0.0)
    radius = float(rng.uniform(9, 12) if hard else rng.uniform(17, 28))
    where = _at(side, float(rng.uniform(0.3, 0.55)), angle)
    contrast, stretch = -0.15 if not hard else -0.1, float(rng.uniform(0.8, 1.4))
    return Lesion(*where, level, radius, 0.15 + radius / 170, contrast, True, stretch, float(rng.uniform(0, np.pi)))


def _at(side: float, across: float, angle: float) -> tuple[float, float]:
    """Place in mm, a share of the way from the middle to the skull."""
    return side * across * 62.0 * float(np.cos(angle)), across * 78.0 * float(np.sin(angle))


def brain_type(rng: np.random.Generator, label: str, hard: bool = False) -> tuple[Array, Array]:
    """Draw one slice.

    Args:
        rng: source of randomness.
        label: ``no tumour``, ``glioma``, ``meningioma`` or ``pituitary tumour``.
        hard: a small and faint tumour.

    Returns:
        8-bit grey levels as float32 ``(1, 192, 192)`` and the bool mask of the same shape.
    """
    lesion = None if label == "no tumour" else _lesion(rng, label, hard)
    head = Head(rng, lesion)
    head.greys, head.flair = _greys(rng), False
    zoom = float(rng.uniform(0.88, 1.0)) * MM_PER_PIXEL * 220.0 / SIZE
    x, y = pixel_grid(
        (SIZE, SIZE), zoom, (float(rng.uniform(-3, 3)), float(rng.uniform(-4, 4))), float(rng.normal(0, 0.05))
    )
    level = (
        float(rng.uniform(0.35, 0.7)) if lesion is None else lesion.level + float(rng.uniform(-0.2, 0.2)) * lesion.reach
    )
    clean, mask = head.cut(x, y, float(np.clip(level, 0.3, 0.9)))
    # The great veins take up contrast: the sagittal sinus at the back of the midline.
    vein = smooth(3.2 - np.hypot(x, y - 0.93 * head._length * head.scale(level)), 1.0)
    clean = clean * (1 - vein) + head.greys.rim * vein
    noisy = rician(
        rng, clean * bias_field(rng, (SIZE, SIZE), 0.05), head.greys.white * float(rng.uniform(0.02, 0.04)), 0.65
    )
    return np.clip(np.rint(noisy), 0, 255).astype(np.float32)[None], mask[None]
