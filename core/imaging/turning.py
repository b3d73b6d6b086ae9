"""Maximum-intensity projections of a volume turned about the body axis, as a workstation shows a PET."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.imaging.geometry import closest_axes
from core.imaging.study import Series, Study, Turned

if TYPE_CHECKING:
    from scipy import sparse

VIEWS = 8
STEP = 22.5  # degrees; a further half turn would show mirror images of these
LEAST_SIDE = 16  # voxels across and from front to back under which there is nothing to walk around
_AT_A_TIME = 32  # rows of the picture that are projected together


@dataclass(frozen=True, eq=False)
class _Grid:
    """An axial plane of the volume, and the picture's columns that all its views share.

    Attributes:
        depth, across: voxels from front to back and from the patient's right to the left.
        deep, wide: their sizes in millimetres (1 where unknown).
        width: columns of a view: those of the coronal projection, and as many more on both sides as the body is deeper
            than wide. What lies in the corners of the plane, outside the circle that a scanner sees, is left out.
    """

    depth: int
    across: int
    deep: float
    wide: float

    @property
    def width(self) -> int:
        """See the attributes."""
        more = max(0.0, self.depth * self.deep / self.wide - self.across)
        return self.across + 2 * int(np.ceil(more / 2))

    def rays(self, degrees: float) -> tuple[sparse.csr_array, int]:
        """Weights of the plane's voxels at the points of all rays of one view, and how many points a ray has.

        Returns:
            ``(points * width, depth * across)``, bilinear; what lies outside the plane has no weight.
        """
        angle = np.deg2rad(degrees)
        fine = min(self.deep, self.wide)
        points = int(np.ceil(np.hypot(self.depth * self.deep, self.across * self.wide) / fine))
        points += (points - self.depth) % 2  # from the side a ray meets voxels where they are
        along = (np.arange(self.width) - (self.width - 1) / 2) * self.wide
        into = (np.arange(points) - (points - 1) / 2) * fine
        # to the left, and to the back, in millimetres from the axis: the viewer walks towards the patient's left
        left = np.cos(angle) * along[None, :] - np.sin(angle) * into[:, None]
        back = np.sin(angle) * along[None, :] + np.cos(angle) * into[:, None]
        from scipy import sparse  # here: few images are volumes that are turned

        column = (left / self.wide + (self.across - 1) / 2).ravel()
        row = (back / self.deep + (self.depth - 1) / 2).ravel()
        low_row, low_column = np.floor(row).astype(int), np.floor(column).astype(int)
        parts, places, which = [], [], []
        for down in (0, 1):
            for right in (0, 1):
                r, c = low_row + down, low_column + right
                weight = (1 - np.abs(row - r)) * (1 - np.abs(column - c))
                inside = (r >= 0) & (r < self.depth) & (c >= 0) & (c < self.across) & (weight > 0)
                parts.append(weight[inside])
                places.append((r * self.across + c)[inside])
                which.append(np.flatnonzero(inside))
        weights = np.concatenate(parts).astype(np.float32)
        shape = (points * self.width, self.depth * self.across)
        return sparse.csr_array((weights, (np.concatenate(which), np.concatenate(places))), shape=shape), points


@dataclass(frozen=True, eq=False)
class Side:
    """One view of a volume: which image it is, and whether that one must be mirrored to be it.

    Attributes:
        name: by how much the viewer has walked, and to which side.
    """

    name: str
    series: Series
    index: int
    mirrored: bool


def sides_of(study: Study, series_index: int, index: int) -> tuple[Side, ...]:
    """The views 22.5 degrees to the right and to the left of one; none of what is no projection made from a volume.

    Half a turn further the same is seen mirrored, so that both the first and the last view have two neighbours.

    Args:
        series_index, index: a coronal projection made here, or one of the views from all sides.
    """
    own = study.series[series_index]
    views = own if own.turned is not None else next((s for s in study.series if _turns(s, own)), None)
    if views is None:
        return ()
    at = index if own.turned is not None else 0
    names = (f"seen from {STEP:g}° further right", f"seen from {STEP:g}° further left")
    return tuple(
        Side(name, views, (at + step) % views.slices, not 0 <= at + step < views.slices)
        for name, step in zip(names, (-1, 1), strict=True)
    )


def _turns(series: Series, coronal: Series) -> bool:
    return series.turned is not None and series.turned.coronal == coronal.key


def told(turned: Turned, index: int) -> str:
    """From where a view is seen, in words: "front", "22.5° left" (of the patient)."""
    angle = turned.angles[index]
    return "front" if angle == 0 else f"{angle:g}° left"


def turned_mips(volume: Series, coronal: Series) -> Series | None:
    """The coronal projection and seven further ones, every 22.5 degrees about the body axis to the patient's left.

    The first view holds the coronal projection bit for bit. For the others values between voxels are worked out
    linearly, so a hot spot of one voxel comes out a little lower than on the first.

    Args:
        volume: a PET volume. coronal: its projection by :func:`core.imaging.projections.coronal_mip`.

    Returns:
        ``(8, head to feet, columns)`` with ``turned`` set; it has no place in the patient, for its slices are no stack.
        ``None`` where the volume is less than 16 voxels wide or deep. Where it is deeper than wide, all views are wider
        than the projection, and a model that fits them to its size sees the front a little smaller.
    """
    affine = volume.affine if volume.affine is not None else np.eye(4)
    (x_voxel, x_sign), (y_voxel, y_sign), (z_voxel, z_sign) = closest_axes(affine)
    # numpy axes run (slice, row, column), voxel axes of the affine (column, row, slice)
    axes = (2 - z_voxel, 2 - y_voxel, 2 - x_voxel)

    def stood(pixels: np.ndarray) -> np.ndarray:
        """Head to feet, front to back, the patient's right to the left."""
        out = pixels.transpose(axes)
        out = out[::-1] if z_sign > 0 else out
        out = out[:, ::-1] if y_sign < 0 else out
        return out if x_sign > 0 else out[:, :, ::-1]

    spacing = volume.spacing or (1.0, 1.0, 1.0)
    _, deep, wide = (spacing[axis] for axis in axes)
    pixels = stood(volume.pixels)
    grid = _Grid(pixels.shape[1], pixels.shape[2], float(deep), float(wide))
    if min(grid.depth, grid.across) < LEAST_SIDE:
        return None
    low = float(volume.pixels.min())
    masks = {name: mask for name in ("truth", "ai_result", "padding") if (mask := getattr(volume, name)) is not None}
    views = np.full((VIEWS, pixels.shape[0], grid.width), low, np.float32)
    flat = {name: np.full(views.shape, name == "padding") for name in masks}
    edge = (grid.width - grid.across) // 2
    views[0, :, edge : edge + grid.across] = coronal.pixels[0]
    for name in masks:
        flat[name][0, :, edge : edge + grid.across] = getattr(coronal, name)[0]
    for view in range(1, VIEWS):
        weights, points = grid.rays(view * STEP)
        views[view] = _highest(pixels - low, weights, points) + low
        for name, mask in masks.items():
            # padding is where a ray meets no image at all
            covered = _highest(stood(mask) != (name == "padding"), weights, points) >= 0.5
            flat[name][view] = ~covered if name == "padding" else covered
    return replace(
        coronal,
        key=hashlib.sha256(b"turned" + coronal.key.encode() + views.tobytes()).hexdigest()[:16],
        description=coronal.description.replace("coronal projection", f"projections from {VIEWS} sides"),
        pixels=views,
        plane=None,
        affine=None,
        positions=None,
        uneven="its pictures are one volume seen from several sides",
        turned=Turned(coronal.key, tuple(STEP * view for view in range(VIEWS)), placed=volume.affine is not None),
        truth=flat.get("truth"),
        ai_result=flat.get("ai_result"),
        padding=flat.get("padding"),
    )


def _highest(pixels: np.ndarray, weights: sparse.csr_array, points: int) -> np.ndarray:
    """The highest value along every ray, float32 ``(rows, width)``, of what is 0 outside the volume."""
    rows = []
    for start in range(0, len(pixels), _AT_A_TIME):
        part = pixels[start : start + _AT_A_TIME]
        dense = np.ascontiguousarray(part.reshape(len(part), -1).T, np.float32)
        sampled = (weights @ dense).reshape(points, -1, len(part))
        rows.append(sampled.max(axis=0).T)
    return np.concatenate(rows).astype(np.float32)
