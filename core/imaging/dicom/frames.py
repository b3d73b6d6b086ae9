"""One DICOM file to frames: pixels after rescale, with what sorting and geometry need to know of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from pydicom import Dataset

from core.imaging.dicom.facts import facts_of
from core.imaging.dicom.functional_groups import as_number, item, numbers, values
from core.imaging.dicom.mosaic import Mosaic, mosaic_of
from core.imaging.dicom.parse import parse
from core.imaging.dicom.pixels import decode
from core.imaging.dicom.values import physical
from core.imaging.dicom.voi import stored_windows
from core.imaging.geometry import MOST_SLICE_MM, is_orientation, plausible
from core.imaging.limits import Budget
from core.imaging.planes import plane
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
        windows: windows and curves stored with it, in the unit after rescale.
        padding: bool ``(rows, columns)`` pixels that hold no image, or ``None``.
        quantitative: whether the values come from a rescale, as uptake needs it.
        pixel_aspect: height of a pixel over its width where there is no spacing.
        order: (InstanceNumber, frame number); the former ``None`` when missing.
        facts: what may tell frames of one series apart, by name, see :mod:`core.imaging.dicom.facts`.
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
    windows: tuple[Window, ...] = ()
    padding: np.ndarray | None = None
    quantitative: bool = True
    pixel_aspect: float = 1.0
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
    found = physical(header, index, stored, modality=modality, in_colour=in_colour)
    pixels, unit, notes = found.pixels, found.unit, list(found.notes)
    spacing = _spacing(header, index, notes)
    position = numbers(header, index, "PlanePositionSequence", "ImagePositionPatient", 3)
    if count > 1 and item(header, index, "PlanePositionSequence") is None:
        position = None  # one position for all frames says nothing about their order
    orientation = numbers(header, index, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    orientation = orientation if is_orientation(orientation) else None
    thickness = _distance(header, index, "SpacingBetweenSlices", notes)
    thickness = thickness or _distance(header, index, "SliceThickness", notes)
    instance = header.get("InstanceNumber")
    low_is_bright = header.get("PhotometricInterpretation") == "MONOCHROME1"
    series = str(header.get("SeriesInstanceUID", "") or "") or path.rpartition("/")[0]
    return Frame(
        header=header,
        path=path,
        pixels=plane(pixels),
        group=(series, pixels.shape, modality, low_is_bright, unit),
        modality=modality,
        unit=unit,
        value_range=found.value_range,
        low_is_bright=low_is_bright,
        colour=colour,
        position=position,
        orientation=orientation,
        spacing=spacing,
        thickness=thickness,
        order=(int(instance) if instance is not None else None, index),
        windows=stored_windows(header, index, signed=found.signed),
        padding=None if found.padding is None else plane(found.padding, np.bool_),
        quantitative=found.quantitative,
        pixel_aspect=_aspect(header),
        facts=facts_of(header, index),
        notes=tuple(notes),
    )


def _modality(header: Dataset) -> Modality:
    code = str(header.get("Modality", "") or "").upper()
    return Modality(code) if code in ("MR", "CT", "PT") else Modality.UNKNOWN


def _aspect(header: Dataset) -> float:
    """Height over width of a pixel where no Pixel Spacing tells: the ratio itself, else the detector's or scanner's."""
    for keyword in ("PixelAspectRatio", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        sides = numbers(header, 0, "", keyword, 2)
        if sides is not None and (sides > 0).all():
            return float(sides[0] / sides[1])
    return 1.0


def _spacing(header: Dataset, index: int, notes: list[str]) -> tuple[float, float] | None:
    """Millimetres between rows and between columns; ``None`` where the header says nothing plausible."""
    given = values(header, index, "PixelMeasuresSequence", "PixelSpacing")
    if not given:
        return None
    sides = [side for side in map(as_number, given) if side is not None and plausible(side)]
    if len(given) == len(sides) == 2:
        return sides[0], sides[1]
    notes.append("The pixel spacing in the header is not plausible: sizes are in pixels.")
    return None


def _distance(header: Dataset, index: int, keyword: str, notes: list[str]) -> float | None:
    """Millimetres of a thickness or slice distance; ``None`` where the header says nothing plausible."""
    given = values(header, index, "PixelMeasuresSequence", keyword)
    if not given:
        return None
    found = as_number(given[0])
    if found is not None and plausible(abs(found), MOST_SLICE_MM):
        return abs(found)
    if found != 0:
        notes.append(f"{keyword} in the header is not plausible and was left out.")
    return None
