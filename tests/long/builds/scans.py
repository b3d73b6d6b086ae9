"""The simulated scans that both builds are given, the very same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import core.systems  # noqa: F401  tells what each system's scans look like
from core.simulate import writers
from core.simulate.phantom import phantom
from tests.trainers import folders

SLICES = 24
CROPS = 20  # drawings, of which all crops are grained copies: drawing thousands would take longer than scoring them


def brain_stack(folder: Path) -> Path:
    """A brain of 24 slices as NIfTI."""
    drawn = phantom("brain-mr", 1, "tumour", slices=SLICES)
    path = folder / "brain.nii.gz"
    path.write_bytes(writers.nifti(drawn.series.pixels, drawn.series.spacing or (5.0, 1.0, 1.0)))
    return path


def chest_stack(folder: Path) -> Path:
    """A chest of 24 slices as DICOM."""
    drawn = phantom("chest-ct", 1, "malignant", slices=SLICES, picture=False)
    assert drawn.series.spacing is not None
    path = folder / "chest.zip"
    path.write_bytes(writers.dicom_zip(drawn.series.pixels, drawn.series.spacing, "chest"))
    return path


def crops(folder: Path, count: int) -> Path:
    """So many breast MR crops as PNG, no two alike."""
    folder.mkdir(parents=True)
    drawn = [phantom("breast-mri", n, ("benign", "malignant")[n % 2]).series.pixels[0] for n in range(CROPS)]
    for n in range(count):
        rng = np.random.default_rng(n)
        plane = drawn[n % CROPS]
        grained = plane + rng.normal(0, 0.02 * plane.max(), plane.shape)
        Image.fromarray(np.clip(np.rint(grained), 0, 255).astype(np.uint8)).save(folder / f"{n:05d}.png")
    return folder


def brain_set(folder: Path, slices: int) -> Path:
    """A labelled set of so many brain slices (a multiple of 4), four a patient."""
    folder.mkdir(parents=True)
    return folders.brain_lgg(folder, patients=slices // 4)
