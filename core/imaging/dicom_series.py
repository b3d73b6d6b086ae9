"""DICOM frames to series: grouped by series, size and orientation, sorted along the slice normal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from pydicom import Dataset

from core.imaging.deidentify import Identity, kept_tags
from core.imaging.dicom_frames import Frame
from core.imaging.geometry import lps_affine, plane_of, slice_normal
from core.imaging.keys import content_key, natural, short_hash
from core.imaging.study import Modality, Series, SourceKind, Window
from core.imaging.suv import suv_scale

_SAME_DIRECTION = 0.01
_SAME_PLACE_MM = 0.01


def group_frames(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Frames of one series, size and orientation together; series with several images at each position are split.

    Orientations count as equal within 0.01 of their direction cosines.
    """
    groups: dict[tuple[object, ...], list[list[Frame]]] = {}
    for frame in frames:
        alike = groups.setdefault(frame.group, [])
        for group in alike:
            if _same_orientation(group[0].orientation, frame.orientation):
                group.append(frame)
                break
        else:
            alike.append([frame])
    return [part for alike in groups.values() for group in alike for part in _split_repeats(group)]


def build_series(frames: Sequence[Frame], identity: Identity) -> Series:
    """One series of frames that belong together: sorted, in physical units, de-identified."""
    first = frames[0]
    notes = list(dict.fromkeys(note for frame in frames for note in frame.notes))
    ordered, offsets = sort_frames(frames, notes)
    pixels = np.stack([frame.pixels for frame in ordered])
    unit, window = first.unit, ordered[len(ordered) // 2].window
    if first.modality is Modality.PT:
        scale = suv_scale(_headers(ordered))
        notes += scale.notes
        unit = scale.unit
        pixels *= np.float32(scale.factor)
        window = Window(window.centre * scale.factor, window.width * scale.factor) if window else None
    spacing, affine = _geometry(ordered, offsets, notes)
    if first.low_is_bright:
        notes.append("Stored as MONOCHROME1: low values are shown bright.")
    if any(frame.colour for frame in frames):
        notes.append("Colour was turned to grey.")
    if any(str(frame.header.get("BurnedInAnnotation", "") or "").upper() == "YES" for frame in frames):
        notes.append("The file says that text is burned into the pixels: it may identify the patient.")
    tags = kept_tags(first.header, identity)
    name = tags.get("SeriesDescription") or tags.get("ProtocolName") or f"{tags.get('Modality', 'DICOM')} series"
    count = len(ordered)
    return Series(
        key=content_key(pixels, SourceKind.DICOM, spacing),
        description=f"{name}, {count} slice{'s' if count > 1 else ''}",
        pixels=pixels,
        unit=unit,
        modality=first.modality,
        spacing=spacing,
        plane=None if first.orientation is None else plane_of(slice_normal(first.orientation)),
        affine=affine,
        frame=short_hash(str(first.header.get("FrameOfReferenceUID", "") or "")),
        body_part=tags.get("BodyPartExamined", "").upper() or None,
        window=window,
        value_range=first.value_range,
        low_is_bright=first.low_is_bright,
        colour=any(frame.colour for frame in frames),
        tags=tags,
        notes=tuple(notes),
        names=tuple(identity.file_name(frame.path, number) for number, frame in enumerate(ordered, 1)),
    )


def _headers(frames: Sequence[Frame]) -> list[Dataset]:
    return list({id(frame.header): frame.header for frame in frames}.values())


def _same_orientation(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.abs(one - other).max() < _SAME_DIRECTION)


def _offset(frame: Frame) -> float | None:
    """Millimetres along the slice normal; along z when the orientation is missing."""
    if frame.position is None:
        return None
    normal = np.array([0.0, 0.0, 1.0]) if frame.orientation is None else slice_normal(frame.orientation)
    return float(normal @ frame.position)


def _split_repeats(frames: list[Frame]) -> list[list[Frame]]:
    """Split a series that has several images at each position (time points, echoes) by what tells them apart."""
    offsets = [_offset(frame) for frame in frames]
    if any(offset is None for offset in offsets):
        return [frames]
    places = [round(offset / _SAME_PLACE_MM) for offset in offsets if offset is not None]
    if len(set(places)) == len(places):
        return [frames]
    for name in frames[0].dimensions:
        values = [frame.dimensions.get(name, "") for frame in frames]
        pairs = set(zip(values, places, strict=True))
        if len(set(values)) > 1 and len(pairs) == len(frames):
            return [
                [_labelled(frame, f"{name} {value}") for frame, own in zip(frames, values, strict=True) if own == value]
                for value in sorted(set(values), key=natural)
            ]
    return [frames]


def _labelled(frame: Frame, label: str) -> Frame:
    note = f"One of several images at each position, told apart by {label}."
    return replace(frame, notes=(*frame.notes, note))


def sort_frames(frames: Sequence[Frame], notes: list[str]) -> tuple[list[Frame], list[float] | None]:
    """Frames along the normal with their offsets in millimetres; by number, without offsets, where positions lack.

    Args:
        frames: frames of one series, in any order.
        notes: gets a sentence when positions were missing.
    """
    placed = [(offset, frame) for frame in frames if (offset := _offset(frame)) is not None]
    if len(placed) == len(frames):
        placed.sort(key=lambda pair: (pair[0], pair[1].order[0] or 0, pair[1].order[1]))
        return [frame for _, frame in placed], [offset for offset, _ in placed]
    if len(frames) > 1:
        numbered = all(frame.order[0] is not None for frame in frames)
        how = "instance number" if numbered else "file name"
        notes.append(f"Slice positions are missing: sorted by {how}; the distance between slices is not certain.")
        if not numbered:
            return sorted(frames, key=lambda frame: (natural(frame.path), frame.order[1])), None
    return sorted(frames, key=lambda frame: (frame.order[0] or 0, frame.order[1])), None


def _geometry(
    frames: Sequence[Frame], offsets: list[float] | None, notes: list[str]
) -> tuple[tuple[float, float, float] | None, np.ndarray | None]:
    first, last = frames[0], frames[-1]
    if first.spacing is None:
        return None, None
    between = first.thickness
    if offsets is not None and len(offsets) > 1:
        between = _slice_distance(offsets, notes) or between
    if between is None:
        notes.append("The slice thickness is unknown: 1 mm assumed, volumes are not certain.")
        between = 1.0
    spacing = (between, *first.spacing)
    if first.orientation is None or first.position is None or offsets is None:
        return spacing, None
    normal = slice_normal(first.orientation)
    step = normal * between
    if last.position is not None and offsets[-1] - offsets[0] > _SAME_PLACE_MM:
        along = (last.position - first.position) / (offsets[-1] - offsets[0])
        step = along * between
        if np.linalg.norm(along - normal) > 0.02:
            notes.append("The slices are shifted against each other (gantry tilt): volumes stay right, angles do not.")
    return spacing, lps_affine(first.orientation, first.spacing, first.position, step)


def _slice_distance(offsets: list[float], notes: list[str]) -> float | None:
    steps = np.diff(offsets)
    repeated = int((steps < _SAME_PLACE_MM).sum())
    if repeated:
        notes.append(f"{repeated + 1} images or more share a position: {repeated} repeated slice positions.")
    steps = steps[steps >= _SAME_PLACE_MM]
    if not len(steps):
        return None
    # the commonest distance, to the tenth of a millimetre, stands against gaps better than the mean
    common = Counter(np.round(steps, 1)).most_common(1)[0][0]
    usual = float(np.median(steps[np.round(steps, 1) == common]))
    missing = int(np.round(steps / usual - 1).clip(0).sum())
    if missing:
        notes.append(f"There are gaps: about {missing} slices are missing at a distance of {usual:.2f} mm.")
    elif np.abs(steps - usual).max() > max(0.1 * usual, 0.05):
        notes.append(
            f"The slice distance varies from {steps.min():.2f} to {steps.max():.2f} mm: {usual:.2f} mm assumed."
        )
    return usual
