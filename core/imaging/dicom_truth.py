"""DICOM masks (segmentation objects, drawn regions saved as images) laid over the series they were drawn on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.imaging.dicom_frames import Frame
from core.imaging.study import Series

_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_DRAWN = re.compile(r"(^|[\W_])(roi|seg|segmentation|mask)s?($|[\W_])", re.IGNORECASE)
_IN_PLANE_VOXELS = 0.5
_BETWEEN_SLICES = 0.25


def is_drawn(frames: Sequence[Frame]) -> bool:
    """Whether frames are a mask: a DICOM SEG, or two values only in a series described as ROI, SEG or mask."""
    header = frames[0].header
    if str(header.get("SOPClassUID", "")) == _SEGMENTATION:
        return True
    if not _DRAWN.search(str(header.get("SeriesDescription", "") or "")):
        return False
    return len(np.unique(np.concatenate([np.unique(frame.pixels) for frame in frames]))) <= 2


def attach_drawn(series: Series, mask: Sequence[Frame]) -> Series | None:
    """The series with a mask as (further) truth, slices matched by their position in the patient.

    Returns:
        ``None`` when the mask was not drawn on this series: another grid, or a frame that lies on none of its slices.
    """
    if series.affine is None or mask[0].pixels.shape != series.shape:
        return None
    to_voxel = np.linalg.inv(series.affine)
    truth = np.zeros(series.pixels.shape, dtype=bool) if series.truth is None else series.truth.copy()
    height, width = series.shape
    for frame in mask:
        corners = _corners(frame, height, width)
        if corners is None:
            return None
        found = (to_voxel @ corners)[:3]
        expected = np.array([[0.0, width - 1.0, 0.0], [0.0, 0.0, height - 1.0]])
        slices = found[2]
        number = round(float(slices.mean()))
        if np.abs(found[:2] - expected).max() > _IN_PLANE_VOXELS or np.abs(slices - number).max() > _BETWEEN_SLICES:
            return None
        if not 0 <= number < series.slices:
            return None
        truth[number] |= frame.pixels > 0
    return replace(series, truth=truth)


def _corners(frame: Frame, height: int, width: int) -> np.ndarray | None:
    """First pixel, end of the first row and end of the first column in LPS millimetres, as ``(4, 3)`` columns."""
    if frame.position is None or frame.orientation is None or frame.spacing is None:
        return None
    row = frame.orientation[:3] * frame.spacing[1] * (width - 1)
    column = frame.orientation[3:] * frame.spacing[0] * (height - 1)
    points = np.stack([frame.position, frame.position + row, frame.position + column], axis=1)
    return np.vstack([points, np.ones(3)])
