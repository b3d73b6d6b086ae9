"""One DICOM file to frames: pixels after rescale, with what sorting and geometry need to know of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from pydicom import Dataset

from core.imaging.dicom_parse import parse
from core.imaging.dicom_pixels import decode
from core.imaging.geometry import is_orientation
from core.imaging.limits import Budget
from core.imaging.study import Modality, Unit, Window

# Where frames at one position differ (time, echo, diffusion), in the order in which they are tried.
_DIMENSIONS = (
    ("SegmentIdentificationSequence", "ReferencedSegmentNumber"),
    ("FrameContentSequence", "TemporalPositionIndex"),
    ("", "TemporalPositionIdentifier"),
    ("MREchoSequence", "EffectiveEchoTime"),
    ("", "EchoNumbers"),
    ("MRDiffusionSequence", "DiffusionBValue"),
    ("", "DiffusionBValue"),
    ("", "AcquisitionNumber"),
    ("", "FrameReferenceTime"),
    ("", "AcquisitionTime"),
    ("", "TriggerTime"),
    ("MRImageFrameTypeSequence", "FrameType"),
    ("", "ImageType"),
)

_FARTHEST_MM = 1e6


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
        dimensions: values that tell frames at one position apart, by name.
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
    dimensions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


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
    return [_frame(header, path, stored[index], index, len(stored), in_colour, colour) for index in range(len(stored))]


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
        and _text(header, index, "PixelValueTransformationSequence", "RescaleType") in ("", "HU")
    )
    unit = Unit.HU if hounsfield else Unit.GREY if eight_bit else Unit.ARBITRARY
    if modality is Modality.CT and not hounsfield:
        notes.append("The CT numbers are not in HU: the header has no rescale to HU.")
    spacing = _numbers(header, index, "PixelMeasuresSequence", "PixelSpacing", 2)
    position = _numbers(header, index, "PlanePositionSequence", "ImagePositionPatient", 3)
    if count > 1 and _item(header, index, "PlanePositionSequence") is None:
        position = None  # one position for all frames says nothing about their order
    orientation = _numbers(header, index, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    orientation = orientation if is_orientation(orientation) else None
    thickness = _positive(header, index, "SpacingBetweenSlices") or _positive(header, index, "SliceThickness")
    number = header.get("InstanceNumber")
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
        order=(int(number) if number is not None else None, index),
        window=_window(header, index),
        dimensions=_dimensions(header, index),
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
    slope = _number(header, index, "PixelValueTransformationSequence", "RescaleSlope")
    intercept = _number(header, index, "PixelValueTransformationSequence", "RescaleIntercept")
    if slope is None and intercept is None:
        return stored.astype(np.float32), False
    scale = 1.0 if slope is None or slope == 0 else slope
    return np.asarray(stored * np.float64(scale) + (intercept or 0.0), dtype=np.float32), True


def _window(header: Dataset, index: int) -> Window | None:
    centre = _number(header, index, "FrameVOILUTSequence", "WindowCenter")
    width = _number(header, index, "FrameVOILUTSequence", "WindowWidth")
    return Window(centre, width) if centre is not None and width is not None and width > 0 else None


def _dimensions(header: Dataset, index: int) -> dict[str, str]:
    found = {}
    for group, keyword in _DIMENSIONS:
        item = _item(header, index, group) if group else header
        value = None if item is None else item.get(keyword)
        if value is not None:
            found[keyword] = str(value)
    return found


def _item(header: Dataset, index: int, group: str) -> Dataset | None:
    """Functional group macro of a frame: its own, else the one shared by all (PS3.3 C.7.6.16)."""
    frames = header.get("PerFrameFunctionalGroupsSequence")
    shared = header.get("SharedFunctionalGroupsSequence")
    own = frames[index] if frames and index < len(frames) else None
    for source in (own, shared[0] if shared else None):
        sequence = source.get(group) if source is not None else None
        if sequence:
            return sequence[0]
    return None


def _value(header: Dataset, index: int, group: str, keyword: str) -> object:
    item = _item(header, index, group)
    value = item.get(keyword) if item is not None else None
    return header.get(keyword) if value is None else value


def _numbers(header: Dataset, index: int, group: str, keyword: str, count: int) -> np.ndarray | None:
    value = _value(header, index, group, keyword)
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        return None
    try:
        numbers = np.array([float(number) for number in value])
    except (TypeError, ValueError):
        return None
    plausible = numbers.shape == (count,) and bool((np.abs(numbers) < _FARTHEST_MM).all())
    return numbers if plausible else None


def _number(header: Dataset, index: int, group: str, keyword: str) -> float | None:
    """A number; the first one of several (windows come in lists)."""
    value = _value(header, index, group, keyword)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        value = next(iter(value), None)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _positive(header: Dataset, index: int, keyword: str) -> float | None:
    number = _number(header, index, "PixelMeasuresSequence", keyword)
    return number if number is not None and number > 0 else None


def _text(header: Dataset, index: int, group: str, keyword: str) -> str:
    return str(_value(header, index, group, keyword) or "")
