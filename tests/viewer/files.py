"""DICOM series made by rule, as files: the dashboard reads them, and a test asks pydicom what stands in them."""

from __future__ import annotations

import functools

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage

from core import imaging
from core.imaging.study import Series
from tests.imaging import builders

ROWS, COLUMNS, SLICES = 96, 112, 7
_TURN, _TILT = np.deg2rad(35.0), np.deg2rad(20.0)
# Orientation, millimetres between rows and between columns, and the step from slice to slice.
_OBLIQUE = [np.cos(_TURN), np.sin(_TURN), 0.0, -0.6 * np.sin(_TURN), 0.6 * np.cos(_TURN), -0.8]
_TILTED = [1.0, 0.0, 0.0, 0.0, np.cos(_TILT), -np.sin(_TILT)]
_SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
SHAPES: dict[str, tuple[list[float], tuple[float, float], np.ndarray]] = {
    "oblique": (_OBLIQUE, (1.5, 1.5), 4.0 * np.cross(_OBLIQUE[:3], _OBLIQUE[3:])),
    "tilted": (_TILTED, (0.8, 0.8), np.array([0.0, 0.0, 5.0])),
    "anisotropic": (_SAGITTAL, (2.0, 1.0), 3.0 * np.cross(_SAGITTAL[:3], _SAGITTAL[3:])),
}


@functools.cache
def headers(name: str) -> tuple[pydicom.FileDataset, ...]:
    """A CT series' data sets, the first at the foot end of its step."""
    orientation, spacing, step = SHAPES[name]
    rng = np.random.default_rng(len(name))
    made = []
    series, frame = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
    for number in range(SLICES):
        pixels = np.clip(rng.normal(1100, 150, (ROWS, COLUMNS)), 0, 4000).astype(np.uint16)
        position = np.array([-30.0, 12.0, 44.0]) + number * step
        made.append(
            builders.dataset(
                pixels,
                CTImageStorage,
                "CT",
                SeriesInstanceUID=series,
                FrameOfReferenceUID=frame,
                ImageOrientationPatient=[round(float(v), 8) for v in orientation],
                ImagePositionPatient=[round(float(v), 6) for v in position],
                PixelSpacing=list(spacing),
                SliceThickness=float(np.linalg.norm(step)),
                RescaleSlope=1,
                RescaleIntercept=-1024,
                RescaleType="HU",
                InstanceNumber=number + 1,
                WindowCenter=60,
                WindowWidth=900,
            )
        )
    return tuple(made)


def series(name: str) -> Series:
    """The same as the dashboard reads it."""
    return imaging.read(builders.named(headers(name))).series[0]
