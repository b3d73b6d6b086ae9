"""Maximum-intensity projection of a volume, seen from the front."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from core.errors import DataLayoutError
from core.imaging.geometry import closest_axes
from core.imaging.study import Plane, Series

WHOLE_BODY_MM = 500.0


def coronal_mip(series: Series) -> Series:
    """Coronal maximum-intensity projection: head up, the patient's right on the left of the image.

    The highest value along the front-to-back direction is kept; unit, spacing and modality stay. A series without an
    affine is taken as axial slices from feet to head in the usual display (a note says so).

    Args:
        series: a volume, pixels ``(slices, height, width)``.

    Returns:
        A series of one slice ``(1, head to feet, right to left)`` with ``projection="mip-coronal"``. Its spacing is
        (front-to-back voxel size, head-to-feet, left-right) in millimetres. A reference mask is projected likewise.

    Raises:
        DataLayoutError: the slices have no one distance, so that a projection would be squeezed somewhere.
    """
    if series.uneven:
        raise DataLayoutError(
            f"There is no projection of this series: {series.uneven}.", "Export the whole series again, without gaps."
        )
    notes = list(series.notes)
    affine = series.affine
    if affine is None:
        notes.append("The orientation is unknown: slices were taken as axial, feet to head, for the projection.")
        slice_mm, row_mm, column_mm = series.spacing or (1.0, 1.0, 1.0)
        affine = np.diag([column_mm, row_mm, slice_mm, 1.0])
    axes = closest_axes(affine)
    (x_voxel, x_sign), (y_voxel, _), (z_voxel, z_sign) = axes
    # numpy axes run (slice, row, column), voxel axes of the affine (column, row, slice)
    order = (2 - z_voxel, 2 - x_voxel)

    def project(volume: np.ndarray) -> np.ndarray:
        flat = volume.max(axis=2 - y_voxel, keepdims=True)
        picture = np.moveaxis(flat, (2 - y_voxel, *order), (0, 1, 2))
        picture = picture[:, ::-1] if z_sign > 0 else picture
        return np.ascontiguousarray(picture if x_sign > 0 else picture[:, :, ::-1])

    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    counts = np.array(series.pixels.shape[::-1])
    first = np.zeros(3)
    first[z_voxel] = counts[z_voxel] - 1 if z_sign > 0 else 0
    first[x_voxel] = 0 if x_sign > 0 else counts[x_voxel] - 1
    projected = np.eye(4)
    projected[:3, 0] = affine[:3, x_voxel] * x_sign
    projected[:3, 1] = -affine[:3, z_voxel] * z_sign
    projected[:3, 2] = affine[:3, y_voxel]
    projected[:3, 3] = (affine @ [*first, 1.0])[:3]
    known = series.spacing is not None
    length = float(sizes[z_voxel] * counts[z_voxel])
    if known and length < WHOLE_BODY_MM:
        notes.append(f"The volume covers only {length / 10:.0f} cm from head to feet: not a whole-body projection.")
    pixels = project(series.pixels)
    return replace(
        series,
        key=hashlib.sha256(b"mip-coronal" + series.key.encode() + pixels.tobytes()).hexdigest()[:16],
        description=", ".join([series.description.split(",")[0], *series.told_apart, "coronal projection"]),
        pixels=pixels,
        spacing=(float(sizes[y_voxel]), float(sizes[z_voxel]), float(sizes[x_voxel])) if known else None,
        plane=Plane.CORONAL,
        affine=projected if series.affine is not None else None,
        positions=None,
        projection="mip-coronal",
        notes=tuple(notes),
        truth=None if series.truth is None else project(series.truth),
        ai_result=None if series.ai_result is None else project(series.ai_result),
        padding=None if series.padding is None else ~project(~series.padding),
        names=(),
    )
