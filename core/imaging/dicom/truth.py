"""DICOM masks (segmentation objects, drawn regions saved as images) laid over the series they were drawn on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.imaging.dicom.frames import Frame
from core.imaging.dicom.functional_groups import item
from core.imaging.dicom.segmentations import is_segmentation, marked, unclear
from core.imaging.keys import short_hash
from core.imaging.study import Series
from core.imaging.truth import BY_ALGORITHM

_DRAWN = re.compile(r"(^|[\W_])(roi|seg|segmentation|mask)s?($|[\W_])", re.IGNORECASE)
_IN_PLANE_VOXELS = 0.5
_BETWEEN_SLICES = 0.25


def is_drawn(frames: Sequence[Frame]) -> bool:
    """Whether frames are a mask: a DICOM SEG, or two values only in a series described as ROI, SEG or mask."""
    header = frames[0].header
    if is_segmentation(header):
        return True
    if not _DRAWN.search(str(header.get("SeriesDescription", "") or "")):
        return False
    return len(np.unique(np.concatenate([np.unique(frame.pixels) for frame in frames]))) <= 2


Source = tuple[str, int]
"""SOPInstanceUID of an image and the number of its frame, from 1."""


def sources_of(frames: Sequence[Frame]) -> list[Source]:
    """What a mask may refer to, for every frame; empty UIDs where no reference can mean a single slice."""
    return [("" if f.tile else str(f.header.get("SOPInstanceUID", "") or ""), f.order[1] + 1) for f in frames]


def refers_to(mask: Sequence[Frame], sources: Sequence[Source]) -> bool:
    """Whether a mask says that it was drawn on one of these images."""
    return any(_referenced(frame, sources) for frame in mask)


def attach_drawn(series: Series, sources: Sequence[Source], mask: Sequence[Frame]) -> Series | str:
    """The series with a mask on the slices that its frames refer to, else on those at their place.

    What people drew becomes (further) truth, what an algorithm drew an AI result.

    Args:
        series: the series. sources: the image behind every slice.
        mask: frames of the mask.

    Returns:
        Why not, when the mask was not drawn on this series: another grid, or a frame that lies on none of its slices.
    """
    if mask[0].pixels.shape != series.shape:
        mine, its = (f"{shape[1]} x {shape[0]}" for shape in (mask[0].pixels.shape, series.shape))
        return f"it has {mine} pixels, the series {its}"
    if unclear(mask[0].header):
        return unclear(mask[0].header)
    masks = {name: _copy_of(getattr(series, name), series) for name in ("truth", "ai_result")}
    used: set[str] = set()
    astray = 0.0
    for frame in mask:
        named = _referenced(frame, sources)
        astray = max(astray, _off_the_slice(series, named[0], frame)) if len(named) == 1 else astray
        number = named[0] if len(named) == 1 else _slice_at(series, frame)
        if isinstance(number, str):
            return number
        if not _same_plane(series, number, frame):
            return "its pixels lie elsewhere in the plane of the slices"
        found = marked(frame)
        for name, pixels in (("truth", found.people), ("ai_result", found.algorithm)):
            if pixels is not None:
                masks[name][number] |= pixels
                used.add(name)
    truth, result = (masks[name] if name in used else getattr(series, name) for name in masks)
    notes = series.notes if "ai_result" not in used or BY_ALGORITHM in series.notes else (*series.notes, BY_ALGORITHM)
    if astray > 0:
        told = f"The mask names images {astray:.1f} mm from where it says that it lies: it was laid over those images."
        notes = (*notes, told)
    return replace(series, truth=truth, ai_result=result, notes=notes)


def _copy_of(mask: np.ndarray | None, series: Series) -> np.ndarray:
    return np.zeros(series.pixels.shape, dtype=bool) if mask is None else mask.copy()


def _referenced(frame: Frame, sources: Sequence[Source]) -> list[int]:
    """Slices that a frame says it was drawn on."""
    derived = item(frame.header, frame.order[1], "DerivationImageSequence") or frame.header
    found = []
    for reference in derived.get("SourceImageSequence") or ():
        uid = str(reference.get("ReferencedSOPInstanceUID", "") or "")
        numbers = reference.get("ReferencedFrameNumber")
        wanted = [int(numbers)] if isinstance(numbers, (int, str)) else [int(number) for number in numbers or ()]
        found += [k for k, (own, at) in enumerate(sources) if own and own == uid and (not wanted or at in wanted)]
    return found


def _slice_at(series: Series, frame: Frame) -> int | str:
    """The one slice at a frame's place, nearer than a quarter of the way to the next slice; or why there is none."""
    if series.affine is None or series.positions is None:
        return "the series does not say where its slices lie"
    if frame.position is None:
        return "it names neither an image of the series nor a place"
    own = short_hash(str(frame.header.get("FrameOfReferenceUID", "") or ""))
    if None not in (own, series.frame) and own != series.frame:
        return "it lies in another frame of reference"
    normal = np.cross(series.affine[:3, 0], series.affine[:3, 1])
    normal /= np.linalg.norm(normal)
    along = (series.positions - frame.position) @ normal
    number = int(np.abs(along).argmin())
    steps = np.abs(np.delete(along, number) - along[number])
    step = float(steps.min()) if len(steps) else float(np.linalg.norm(series.affine[:3, 2]))
    if abs(along[number]) > _BETWEEN_SLICES * step:
        return f"a frame of it lies {abs(along[number]):.1f} mm from the nearest slice"
    return number


def _off_the_slice(series: Series, number: int, frame: Frame) -> float:
    """Millimetres along the normal between a slice and a frame that names it; 0 where they lie within half a slice."""
    if series.affine is None or series.positions is None or frame.position is None:
        return 0.0
    own = short_hash(str(frame.header.get("FrameOfReferenceUID", "") or ""))
    if None not in (own, series.frame) and own != series.frame:
        return 0.0  # places of two frames of reference cannot be compared
    normal = np.cross(series.affine[:3, 0], series.affine[:3, 1])
    normal /= np.linalg.norm(normal)
    away = abs(float((series.positions[number] - frame.position) @ normal))
    return away if away > float(np.linalg.norm(series.affine[:3, 2])) / 2 else 0.0


def _same_plane(series: Series, number: int, frame: Frame) -> bool:
    """Whether a frame's corners lie on those of a slice, within half a pixel; true where either does not say."""
    here = series.affine_at(number)
    height, width = series.shape
    corners = _corners(frame, height, width)
    if here is None or corners is None:
        return True
    found = (np.linalg.inv(here) @ corners)[:3]
    expected = np.array([[0.0, width - 1.0, 0.0], [0.0, 0.0, height - 1.0]])
    return bool(np.abs(found[:2] - expected).max() <= _IN_PLANE_VOXELS and np.ptp(found[2]) <= _BETWEEN_SLICES)


def _corners(frame: Frame, height: int, width: int) -> np.ndarray | None:
    """First pixel, end of the first row and end of the first column in LPS millimetres, as ``(4, 3)`` columns."""
    if frame.position is None or frame.orientation is None or frame.spacing is None:
        return None
    row = frame.orientation[:3] * frame.spacing[1] * (width - 1)
    column = frame.orientation[3:] * frame.spacing[0] * (height - 1)
    points = np.stack([frame.position, frame.position + row, frame.position + column], axis=1)
    return np.vstack([points, np.ones(3)])
