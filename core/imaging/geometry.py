"""Where slices lie in the patient: normals, planes, affines (LPS: x to the left, y to the back, z to the head)."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Plane

# Beyond these no scanner works: from a thousandth of a millimetre (micro-CT) to slabs of half a metre.
LEAST_MM, MOST_PIXEL_MM, MOST_SLICE_MM = 0.001, 50.0, 500.0
_PLANES = (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)


def plausible(millimetres: float, most: float = MOST_PIXEL_MM) -> bool:
    """Whether a distance between pixels, or with another ``most`` between slices, can be true."""
    return LEAST_MM <= millimetres <= most


def slice_normal(orientation: np.ndarray) -> np.ndarray:
    """Unit normal of ImageOrientationPatient ``(6,)``: row direction x column direction."""
    normal = np.cross(orientation[:3], orientation[3:])
    return normal / np.linalg.norm(normal)


def is_orientation(values: np.ndarray | None) -> bool:
    """Whether six numbers are two perpendicular directions of length one (within 2 %)."""
    if values is None or values.shape != (6,) or not np.isfinite(values).all():
        return False
    row, column = values[:3], values[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    return bool(np.allclose(lengths, 1.0, atol=0.02) and abs(np.dot(row, column)) < 0.02)


def plane_of(normal: np.ndarray) -> Plane | None:
    """Anatomical plane whose axis is nearest to a slice normal in LPS; ``None`` close to the diagonal."""
    size = np.abs(normal)
    nearest = int(np.argmax(size))
    return _PLANES[nearest] if size[nearest] > 0.75 else None


def lps_affine(
    orientation: np.ndarray, spacing: tuple[float, float], origin: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Voxel (column, row, slice) to patient millimetres.

    Args:
        orientation: ImageOrientationPatient ``(6,)``.
        spacing: millimetres between rows and between columns (PixelSpacing order).
        origin: ImagePositionPatient of the first slice.
        step: millimetres from one slice to the next, as a vector.
    """
    affine = np.eye(4)
    affine[:3, 0] = orientation[:3] * spacing[1]
    affine[:3, 1] = orientation[3:] * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = origin
    return affine


def closest_axes(affine: np.ndarray) -> tuple[tuple[int, int], ...]:
    """For patient axes x, y, z: the voxel axis (0 column, 1 row, 2 slice) nearest to it, and its sign.

    Assigned greedily from the best match down, so each voxel axis is used once even in oblique volumes.
    """
    directions = affine[:3, :3] / np.maximum(np.linalg.norm(affine[:3, :3], axis=0), 1e-12)
    found: dict[int, tuple[int, int]] = {}
    strength = np.abs(directions)
    for _ in range(3):
        axis, voxel = np.unravel_index(int(np.argmax(strength)), (3, 3))
        found[int(axis)] = (int(voxel), 1 if directions[axis, voxel] >= 0 else -1)
        strength[axis, :] = -1
        strength[:, voxel] = -1
    return tuple(found[axis] for axis in range(3))
