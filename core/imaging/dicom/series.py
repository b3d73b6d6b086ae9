"""A volume's DICOM frames to a series: sorted along the slice normal, in physical units, every slice with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from core.imaging.deidentify import Identity, kept_tags
from core.imaging.dicom.frame_sets import offset_of
from core.imaging.dicom.frames import Frame
from core.imaging.dicom.split import Mark, Volume
from core.imaging.geometry import MOST_SLICE_MM, lps_affine, plane_of, plausible, slice_normal
from core.imaging.keys import content_key, natural, passing_hash, short_hash
from core.imaging.padding import background
from core.imaging.planes import take_over
from core.imaging.priors import date_of
from core.imaging.slice_places import SAME_PLACE_MM, places_of, slice_distance
from core.imaging.study import Modality, Series, SourceKind, Unit, Voi
from core.imaging.uptake.suv import suv_scale

_TILTED = 0.02
_SHIFTED_PIXELS = 0.5


def build_series(volume: Volume, identity: Identity) -> Series:
    """One series of a volume's frames: sorted, in physical units, de-identified."""
    notes = list(dict.fromkeys([*volume.notes, *(note for frame in volume.frames for note in frame.notes)]))
    found = sort_frames(volume.frames)
    ordered, first = found.frames, found.frames[0]
    pixels = take_over(ordered)
    unit, windows = first.unit, ordered[len(ordered) // 2].windows
    if first.modality is Modality.PT and not all(frame.quantitative for frame in ordered):
        notes.append("The PET pixels have no rescale to a unit: no SUV.")
    elif first.modality is Modality.PT and unit is Unit.GREY and not first.header.get("Units"):
        notes.append("A picture made from PET: no SUV.")
    elif first.modality is Modality.PT:
        scale = suv_scale(_headers(ordered))
        notes += scale.notes
        unit = scale.unit
        pixels *= np.float32(scale.factor)
        windows = tuple(window.scaled(scale.factor) for window in windows)
    if any(window.function is Voi.TABLE for window in windows):
        notes.append(
            "The file brings its own grey curve (VOI LUT), offered as a window; models get the values as stored."
        )
    padding = take_over(ordered, "padding") if any(frame.padding is not None for frame in ordered) else None
    if padding is not None:
        pixels[padding] = background(pixels, padding, unit, low_is_bright=first.low_is_bright)
    if found.offsets is None and len(ordered) > 1:
        notes.append(f"Slice positions are missing: sorted by {found.by}.")
    place = _geometry(ordered, found.offsets, notes)
    if first.low_is_bright:
        notes.append("Stored as MONOCHROME1: low values are shown bright.")
    if any(frame.colour for frame in ordered):
        notes.append("Colour was turned to grey.")
    if any(str(frame.header.get("BurnedInAnnotation", "") or "").upper() == "YES" for frame in ordered):
        notes.append("The file says that text is burned into the pixels: it may identify the patient.")
    tags = kept_tags(first.header, identity)
    name = tags.get("SeriesDescription") or tags.get("ProtocolName") or f"{tags.get('Modality', 'DICOM')} series"
    told_apart = tuple(_said(mark, identity) for mark in volume.marks)
    if told_apart:
        notes.append(f"One of several volumes of its series, told apart by: {', '.join(told_apart)}.")
    count = len(ordered)
    return Series(
        key=content_key(pixels, SourceKind.DICOM, place.spacing, *told_apart),
        description=f"{', '.join(dict.fromkeys([name, *told_apart]))}, {count} slice{'s' if count > 1 else ''}",
        pixels=pixels,
        unit=unit,
        modality=first.modality,
        spacing=place.spacing,
        plane=None if first.orientation is None else plane_of(slice_normal(first.orientation)),
        affine=place.affine,
        positions=_positions(ordered),
        uneven=place.uneven,
        told_apart=told_apart,
        frame=short_hash(str(first.header.get("FrameOfReferenceUID", "") or "")),
        study=short_hash(str(first.header.get("StudyInstanceUID", "") or "")),
        examined=date_of(first.header),
        patient=passing_hash(str(first.header.get("PatientID", "") or "")),
        body_part=tags.get("BodyPartExamined", "").upper() or None,
        window=windows[0] if windows else None,
        other_windows=windows[1:],
        value_range=first.value_range if unit is Unit.GREY else None,
        low_is_bright=first.low_is_bright,
        colour=any(frame.colour for frame in ordered),
        tags=tags,
        notes=tuple(notes),
        padding=padding,
        pixel_aspect=first.pixel_aspect,
        names=tuple(identity.file_name(frame.path, number) for number, frame in enumerate(ordered, 1)),
    )


def _said(mark: Mark, identity: Identity) -> str:
    """A mark's words, or the plain ones where a header's text is not about the image only."""
    safe = identity.free_text(mark.words) == mark.words if mark.quoted else not identity.reveals(mark.words)
    return mark.words if safe else mark.plain


def _headers(frames: Sequence[Frame]) -> list[Dataset]:
    return list({id(frame.header): frame.header for frame in frames}.values())


@dataclass(frozen=True, eq=False)
class Sorted:
    """Frames in the order of the slices.

    Attributes:
        frames: in order. offsets: float64 millimetres along the normal, ``None`` where positions lack.
        by: what the order goes by, in words.
    """

    frames: list[Frame]
    offsets: np.ndarray | None
    by: str = "position"


def sort_frames(frames: Sequence[Frame]) -> Sorted:
    """Frames along the normal; by slice location, instance number or file name where positions lack.

    Images of one place stay in the order in which they came.
    """
    placed = [(offset, frame) for frame in frames if (offset := offset_of(frame)) is not None]
    if len(placed) == len(frames):
        offsets = np.array([offset for offset, _ in placed])
        order = np.argsort(places_of(offsets, frames[0].thickness), kind="stable")
        return Sorted([placed[index][1] for index in order], offsets[order])
    located = [frame.header.get("SliceLocation") for frame in frames]
    if all(isinstance(place, float) for place in located) and len(set(located)) == len(frames):
        return Sorted(sorted(frames, key=lambda frame: float(frame.header.SliceLocation)), None, "slice location")
    if all(frame.order[0] is not None for frame in frames):
        ordered = sorted(frames, key=lambda frame: (frame.order[0] or 0, frame.order[1]))
        return Sorted(ordered, None, "instance number")
    return Sorted(sorted(frames, key=lambda frame: (natural(frame.path), frame.order[1])), None, "file name")


@dataclass(frozen=True, eq=False)
class _Geometry:
    spacing: tuple[float, float, float] | None = None
    affine: np.ndarray | None = None
    uneven: str = ""


def _geometry(frames: Sequence[Frame], offsets: np.ndarray | None, notes: list[str]) -> _Geometry:
    """Spacing, affine, and why the slices have no one distance."""
    first = frames[0]
    between, uneven = _between(frames, offsets)
    if uneven:
        notes.append(f"The slices have no one distance: {uneven}. No volume is given.")
    if first.spacing is None:
        return _Geometry(uneven=uneven)
    if between is None:
        between = first.thickness
    if between is None:
        notes.append("The slice thickness is unknown: 1 mm assumed.")
        between = 1.0
    spacing = (between, *first.spacing)
    if first.orientation is None or first.position is None or offsets is None:
        return _Geometry(spacing, uneven=uneven)
    normal = slice_normal(first.orientation)
    step = normal * between
    last = frames[-1]
    if last.position is not None and offsets[-1] - offsets[0] > SAME_PLACE_MM:
        along = (last.position - first.position) / (offsets[-1] - offsets[0])
        step = along * between
        if np.linalg.norm(along - normal) > _TILTED:
            notes.append("The slices are shifted against each other (gantry tilt): volumes stay right, angles do not.")
    affine = lps_affine(first.orientation, first.spacing, first.position, step)
    if not uneven and _shifted(frames, affine):
        notes.append("The slices do not lie in one line: each keeps its own position.")
    return _Geometry(spacing, affine, uneven)


def _between(frames: Sequence[Frame], offsets: np.ndarray | None) -> tuple[float | None, str]:
    """Distance between slices, when their positions tell it, and why there is none."""
    if len(frames) < 2:
        return None, ""
    if offsets is None:
        return None, "slice positions are missing"
    count = int(places_of(offsets, frames[0].thickness).max()) + 1
    if count == 1:
        return None, f"all {len(frames)} images lie at one place"
    distance = slice_distance(offsets, frames[0].thickness)
    if distance is None:
        return None, ""
    if not plausible(distance.millimetres, MOST_SLICE_MM):
        return None, f"{distance.millimetres:.3g} mm from one to the next is not plausible"
    return distance.millimetres, distance.uneven


def _shifted(frames: Sequence[Frame], affine: np.ndarray) -> bool:
    """Whether a slice lies more than half a pixel beside the line that the affine draws."""
    voxels = np.linalg.inv(affine)
    for frame in frames:
        if frame.position is not None:
            place = voxels @ np.append(frame.position, 1.0)
            if np.abs(place[:2]).max() > _SHIFTED_PIXELS:
                return True
    return False


def _positions(frames: Sequence[Frame]) -> np.ndarray | None:
    known = [frame.position for frame in frames if frame.position is not None]
    return np.stack(known).astype(np.float64) if len(known) == len(frames) else None
