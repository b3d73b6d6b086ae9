"""A simulated leg as PET/CT scanners give it: a built-in PET volume, and a drawn CT on its slices, twice as fine."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.simulate.samples import load_sample
from core.simulate.writers import nifti

PET = "mr-pet-01"
FINER = 2  # CT pixels along each side of a PET pixel, as in the set that the models learnt from


def files() -> list[dict[str, Any]]:
    """The two files of one study, for the uploader."""
    series = next(s for s in load_sample(PET).series if s.projection == "slice")
    assert series.spacing is not None
    step, row, column = series.spacing
    pet = nifti(series.pixels, (step, row, column), slope=0.01, centred=True)
    ct = nifti(drawn(series.pixels), (step, row / FINER, column / FINER), centred=True)
    given = (("leg-pet-suv.nii.gz", pet), ("leg-ct.nii.gz", ct))
    return [{"name": name, "mimeType": "application/gzip", "buffer": content} for name, content in given]


def drawn(pet: np.ndarray) -> np.ndarray:
    """HU ``(slices, h, w)`` of a round leg in air: fat, muscle, and bone in the middle, with some noise."""
    slices, height, width = pet.shape[0], pet.shape[1] * FINER, pet.shape[2] * FINER
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2) / (min(height, width) / 2)
    one = np.select([away < 0.12, away < 0.7, away < 0.85], [700.0, 50.0, -100.0], -1000.0)
    noise = np.random.default_rng(3).normal(0.0, 8.0, (slices, height, width))
    return np.asarray(np.clip(one + noise, -1024.0, 1500.0))
