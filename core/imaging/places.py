"""Where the slices of two series lie against one another in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import DataLayoutError
from core.imaging.study import Modality, Series, Study

PARALLEL = 0.985  # cosine, 10 degrees: beyond that a slice crosses too many of the other series
BLANK = 1e-6  # a slice of one grey level shows nothing: no answer about it means anything
OTHER = {Modality.MR: Modality.PT, Modality.PT: Modality.MR}
# what may be asked for beside a slice: a CT only as the partner of a PET
BESIDE = {Modality.MR: (Modality.PT,), Modality.PT: (Modality.MR, Modality.CT)}


@dataclass(frozen=True)
class Partner:
    """The slice of another series that shows the same place.

    Attributes:
        series_index, slice_index: which.
        distance: millimetres between the two slices' planes.
        assumed: true where the files do not say that both series share one space, as NIfTI files never do.
    """

    series_index: int
    slice_index: int
    distance: float
    assumed: bool


def _along(series: Series, normal: np.ndarray) -> np.ndarray:
    """Millimetres of every slice's centre along a direction in patient space, each from its own position."""
    height, width = series.shape
    affine, positions = _placed(series)
    to_centre = affine[:3, 0] * (width - 1) / 2 + affine[:3, 1] * (height - 1) / 2
    return np.asarray((positions + to_centre) @ normal)


def matched_slices(pet: Series, other: Series) -> list[tuple[int, int]]:
    """Pairs of slices at the same place: for every PET slice the nearest MR or CT slice along the PET's normal.

    Only pairs closer than half the larger slice distance are kept, and no slice goes to more than one PET slice, its
    nearest.

    Raises:
        DataLayoutError: a series has no position in the patient.
    """
    distance, most = _distances(pet, other)
    nearest = distance.argmin(1)
    return [(k, int(m)) for k, m in enumerate(nearest) if distance[k, m] <= most and distance[:, m].argmin() == k]


def partner(study: Study, series_index: int, slice_index: int, wanted: Modality | None = None) -> Partner | str | None:
    """The slice of another modality at the place of a slice, the nearest where several series have one.

    Args:
        wanted: the other modality; by default MR for PET, and PET for MR. CT is found beside PET only.

    Returns:
        ``None`` when the study has no series of the other modality; a sentence when it has, but none shows this place.
    """
    series = study.series[series_index]
    wanted = OTHER.get(series.modality) if wanted is None else wanted
    if wanted not in BESIDE.get(series.modality, ()):
        return None
    found, reasons = list[Partner](), list[str]()
    for index, other in enumerate(study.series):
        if other.modality is not wanted or other.projection != "slice" or series.projection != "slice":
            continue
        reason = _apart(series, other)
        if reason is None:
            distance, most = _distances(series, other)
            nearest = int(distance[slice_index].argmin())
            if distance[slice_index, nearest] > most:
                reason = "does not reach this slice"
            elif float(np.ptp(other.pixels[nearest])) < BLANK:
                reason = "is blank there"
            else:
                assumed = series.frame is None or other.frame is None
                found.append(Partner(index, nearest, float(distance[slice_index, nearest]), assumed))
                continue
        reasons.append(f"{other.description} {reason}.")
    if found:
        return min(found, key=lambda p: p.distance)
    return " ".join(reasons) or None


def _apart(one: Series, other: Series) -> str | None:
    """Why the slices of two series cannot be put side by side; ``None`` when they can."""
    if one.affine is None or other.affine is None:
        return "cannot be placed: a series has no position in the patient"
    if None not in (one.frame, other.frame) and one.frame != other.frame:
        return "lies in another frame of reference: register the two series first"
    if abs(float(_normal(one) @ _normal(other))) < PARALLEL:
        return "is sliced in another direction"
    low, high = np.stack([_extent(s, one.affine) for s in (one, other)], 1)
    if (np.minimum(high[0], high[1]) <= np.maximum(low[0], low[1])).any():
        return "shows another part of the body"
    return None


def _extent(series: Series, axes: np.ndarray) -> np.ndarray:
    """Smallest and largest millimetres ``(2, 2)`` of a series along the row and column directions of ``axes``."""
    height, width = series.shape
    affine, positions = _placed(series)
    edges = [affine[:3, 0] * c + affine[:3, 1] * r for c in (-0.5, width - 0.5) for r in (-0.5, height - 0.5)]
    directions = axes[:3, :2] / np.linalg.norm(axes[:3, :2], axis=0)
    at = (positions[:, None] + np.stack(edges)).reshape(-1, 3) @ directions
    return np.stack([at.min(0), at.max(0)])


def _distances(one: Series, other: Series) -> tuple[np.ndarray, float]:
    """Millimetres ``(slices, other slices)`` along the first one's normal, and how far two slices may lie apart."""
    normal = _normal(one)
    at_one, at_other = _along(one, normal), _along(other, normal)
    steps = [float(np.median(np.abs(np.diff(a)))) if len(a) > 1 else 0.0 for a in (at_one, at_other)]
    return np.abs(at_one[:, None] - at_other[None]), max(steps) / 2 + 1e-6


def _normal(series: Series) -> np.ndarray:
    """Unit normal of the slices' plane: with a tilted gantry the way from slice to slice is another direction."""
    affine, _ = _placed(series)
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return np.asarray(normal / np.linalg.norm(normal))


def _placed(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Affine and slice positions."""
    if series.affine is None or series.positions is None:
        raise DataLayoutError("A volume has no position in the patient.", "Use NIfTI files with an affine.")
    return series.affine, series.positions
