"""One DICOM file to frames: pixels after rescale, with what sorting and geometry need to know of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from pydicom import Dataset

from core.imaging.dicom_facts import facts_of
from core.imaging.dicom_mosaic import Mosaic, mosaic_of
from core.imaging.dicom_parse import parse
from core.imaging.dicom_pixels import decode
from core.imaging.functional_groups import item, number, numbers, positive, text
from core.imaging.geometry import is_orientation
from core.imaging.limits import Budget
from core.imaging.study import Modality, Unit, Window


@dataclass(eq=False)
class Frame:
    """One image of a DICOM file.

    Attributes:
        header: the data set without its pixels, shared by all frames of a file.
        path: path within the upload.
        pixels: float32 ``(rows, columns)`` after rescale.
        group: what frames of one series have in common besides orientation.
        modality, unit: unit before any SUV.
        position: ImagePositionPatient in LPS millimetres, or ``None``.
        orientation: ImageOrientationPatient ``(6,)``, or ``None``.
        spacing: millimetres between rows and columns, or ``None``.
        thickness: SliceThickness or SpacingBetweenSlices in millimetres, or ``None``.
        order: (InstanceNumber, frame number); the former ``None`` when missing.
        facts: what may tell frames of one series apart, by name, see :mod:`core.imaging.dicom_facts`.
        tile: cut out of a mosaic, so that no reference to the file means this slice alone.
    """

    header: Dataset
    path: str
    pixels: np.ndarray
    group: tuple[object, ...]
    modality: Modality
    unit: Unit
    value_range: tuple[float, float] | None
    low_is_bright: bool
    colour: bool
    position: np.ndarray | None
    orientation: np.ndarray | None
    spacing: tuple[float, float] | None
    thickness: float | None
    order: tuple[int | None, int]
    window: Window | None
    facts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tile: bool = False


def read_frames(path: str, data: bytes, budget: Budget) -> list[Frame]:
    """Decode a DICOM file to its frames; none for a DICOMDIR.

    Raises:
        UnreadableFileError: damaged, truncated, or no image.
        LimitExceededError: too large by its header.
    """
    header = parse(data, budget)
    if header is None:
        return []
    stored, in_colour, colour = decode(header, budget)
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in header:
            del header[keyword]
    mosaic = mosaic_of(header)
    if mosaic is not None:
        return _tiles(mosaic, header, path, stored[0])
    return [_frame(header, path, stored[index], index, len(stored), in_colour, colour) for index in range(len(stored))]


def _tiles(mosaic: Mosaic, header: Dataset, path: str, stored: np.ndarray) -> list[Frame]:
    """Frames of a mosaic's slices, each at its own place."""
    positions = mosaic.positions(header)
    found = []
    for index, pixels in enumerate(mosaic.cut(stored)):
        frame = _frame(header, path, pixels, 0, 1, False, False)
        place = None if positions is None else positions[index]
        order, notes = (frame.order[0], index), (*frame.notes, *mosaic.notes)
        found.append(replace(frame, position=place, order=order, tile=True, notes=notes))
    return found


def _frame(
    header: Dataset, path: str, stored: np.ndarray, index: int, count: int, in_colour: bool, colour: bool
) -> Frame:
    modality = _modality(header)
    notes: list[str] = []
    pixels, scaled = (stored.astype(np.float32), False) if in_colour else _rescale(header, index, stored)
    if not np.isfinite(pixels).all():
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
        notes.append("Pixels without a number were set to 0.")
    eight_bit = in_colour or (int(header.get("BitsStored", 16) or 16) <= 8 and not scaled)
    hounsfield = (
        modality is Modality.CT
        and scaled
        and text(header, index, "PixelValueTransformationSequence", "RescaleType") in ("", "HU")
    )
    unit = Unit.HU if hounsfield else Unit.GREY if eight_bit else Unit.ARBITRARY
    if modality is Modality.CT and not hounsfield:
        notes.append("The CT numbers are not in HU: the header has no rescale to HU.")
    spacing = numbers(header, index, "PixelMeasuresSequence", "PixelSpacing", 2)
    position = numbers(header, index, "PlanePositionSequence", "ImagePositionPatient", 3)
    if count > 1 and item(header, index, "PlanePositionSequence") is None:
        position = None  # one position for all frames says nothing about their order
    orientation = numbers(header, index, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    orientation = orientation if is_orientation(orientation) else None
    thickness = positive(header, index, "PixelMeasuresSequence", "SpacingBetweenSlices") or positive(
        header, index, "PixelMeasuresSequence", "SliceThickness"
    )
    instance = header.get("InstanceNumber")
    low_is_bright = header.get("PhotometricInterpretation") == "MONOCHROME1"
    series = str(header.get("SeriesInstanceUID", "") or "") or path.rpartition("/")[0]
    return Frame(
        header=header,
        path=path,
        pixels=pixels,
        group=(series, pixels.shape, modality, low_is_bright, unit),
        modality=modality,
        unit=unit,
        value_range=_value_range(header, in_colour) if unit is Unit.GREY else None,
        low_is_bright=low_is_bright,
        colour=colour,
        position=position,
        orientation=orientation,
        spacing=(float(spacing[0]), float(spacing[1])) if spacing is not None and (spacing > 0).all() else None,
        thickness=thickness,
        order=(int(instance) if instance is not None else None, index),
        window=_window(header, index),
        facts=facts_of(header, index),
        notes=tuple(notes),
    )


def _value_range(header: Dataset, in_colour: bool) -> tuple[float, float] | None:
    if in_colour:
        return 0.0, 255.0
    bits = int(header.get("BitsStored", 8) or 8)
    return None if header.get("PixelRepresentation") else (0.0, float(2**bits - 1))


def _modality(header: Dataset) -> Modality:
    code = str(header.get("Modality", "") or "").upper()
    return Modality(code) if code in ("MR", "CT", "PT") else Modality.UNKNOWN


def _rescale(header: Dataset, index: int, stored: np.ndarray) -> tuple[np.ndarray, bool]:
    """Stored values after the modality transformation, and whether the header had one."""
    slope = number(header, index, "PixelValueTransformationSequence", "RescaleSlope")
    intercept = number(header, index, "PixelValueTransformationSequence", "RescaleIntercept")
    if slope is None and intercept is None:
        return stored.astype(np.float32), False
    scale = 1.0 if slope is None or slope == 0 else slope
    return np.asarray(stored * np.float64(scale) + (intercept or 0.0), dtype=np.float32), True


def _window(header: Dataset, index: int) -> Window | None:
    centre = number(header, index, "FrameVOILUTSequence", "WindowCenter")
    width = number(header, index, "FrameVOILUTSequence", "WindowWidth")
    return Window(centre, width) if centre is not None and width is not None and width > 0 else None
