"""Simulated brain slices in three MR sequences at once: T1 before contrast, FLAIR, T1 after contrast.

One head cut three times in the grey levels of each sequence, with shading and noise of its own, as the public LGG set
keeps them in the red, green and blue channel of a picture.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.simulate.brain import MM_PER_PIXEL, Greys, Head, draw_lesion
from core.simulate.fields import Array, bias_field, pixel_grid, rician


def _t1(rng: np.random.Generator, *, contrast: bool) -> Greys:
    white = float(rng.uniform(75, 100))
    return Greys(
        white=white,
        grey=white * float(rng.uniform(0.74, 0.84)),
        fluid=white * 0.28,
        deep=white * 0.86,
        scalp=white * float(rng.uniform(1.6, 2.2)),
        skin=white * 1.1,
        lesion=white,
        rim=white * (float(rng.uniform(1.6, 2.0)) if contrast else 0.8),
    )


def _flair(rng: np.random.Generator) -> Greys:
    white = float(rng.uniform(60, 85))
    return Greys(
        white=white,
        grey=white * float(rng.uniform(1.1, 1.25)),
        fluid=white * 0.2,
        deep=white * 1.06,
        scalp=white * float(rng.uniform(1.3, 2.0)),
        skin=white * 1.2,
        lesion=white,
        rim=white * 1.5,
    )


def brain_sequences(rng: np.random.Generator, tumour: bool, level: float = 0.5, size: int = 256) -> tuple[Array, Array]:
    """Draw one slice of a head.

    Args:
        rng: source of randomness.
        tumour: whether the head holds a tumour: dark before contrast, bright on FLAIR, often ringed after contrast.
        level: 0 (skull base) to 1 (vertex).
        size: height and width in pixels.

    Returns:
        8-bit levels ``(size, size, 3)``, uint8, in the order before contrast, FLAIR, after contrast; and the bool mask
        ``(size, size)``.
    """
    lesion = draw_lesion(rng, 67.0, False) if tumour else None
    head = Head(rng, lesion)
    zoom = float(rng.uniform(0.82, 1.06)) * MM_PER_PIXEL * 256.0 / size
    shift = (float(rng.uniform(-4, 4)), float(rng.uniform(-6, 6)))
    x, y = pixel_grid((size, size), zoom, shift, float(rng.normal(0, 0.06)))
    channels, mask = [], np.zeros((size, size), bool)
    looks = ((_t1(rng, contrast=False), -0.2), (_flair(rng), 0.5), (_t1(rng, contrast=True), -0.1))
    for number, (greys, contrast) in enumerate(looks):
        head.greys, head.flair = greys, number == 1
        if lesion is not None:
            head.lesion = replace(lesion, contrast=contrast, ring=number == 2)
        clean, mask = head.cut(x, y, level)
        shade = bias_field(rng, (size, size), float(rng.uniform(0.03, 0.1)))
        noisy = rician(rng, clean * shade, greys.white * float(rng.uniform(0.02, 0.05)), 0.65)
        channels.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return np.stack(channels, axis=-1), mask
