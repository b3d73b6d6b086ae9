"""What a frame of a mask marks, and who drew it: people, or an algorithm, whose mask is a result, never the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydicom import Dataset

from core.imaging.dicom.frames import Frame
from core.imaging.dicom.functional_groups import as_number, item

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
_ALGORITHMS = ("AUTOMATIC", "SEMIAUTOMATIC")
_LARGEST_FRACTION = 255.0


@dataclass(frozen=True, eq=False)
class Marked:
    """Pixels of one frame, bool ``(rows, columns)``: what people drew and what an algorithm did.

    ``None`` where the one or the other has no part in the frame.
    """

    people: np.ndarray | None = None
    algorithm: np.ndarray | None = None


def is_segmentation(header: Dataset) -> bool:
    """Whether a file is a segmentation object, as bits, fractions or labels."""
    return str(header.get("SOPClassUID", "") or "") in (SEGMENTATION, LABEL_MAP)


def marked(frame: Frame) -> Marked:
    """What a mask's frame marks.

    Fractions count from half of Maximum Fractional Value on (PS3.3 C.8.20.2.3); labels other than 0 and the padding
    value count by their segment. Segment Algorithm Type tells who drew it; without it, and in masks that are plain
    images, people.
    """
    header, pixels = frame.header, frame.pixels
    if not is_segmentation(header):
        return Marked(people=pixels > 0)
    kinds = _algorithm_types(header)
    if _is_label_map(header):
        drawn = pixels > 0 if frame.padding is None else (pixels > 0) & ~frame.padding
        numbers = [number for number, kind in kinds.items() if kind in _ALGORITHMS]
        by_algorithm = drawn & np.isin(pixels, np.array(numbers, np.float32))
        by_people = drawn & ~by_algorithm
        alone = len(numbers) == len(kinds) > 0 and not by_people.any()
        return Marked(None if alone else by_people, by_algorithm if numbers else None)
    if str(header.get("SegmentationType", "") or "") == "FRACTIONAL":
        most = as_number(header.get("MaximumFractionalValue")) or _LARGEST_FRACTION
        drawn = pixels * 2 >= most
    else:
        drawn = pixels > 0
    macro = item(header, frame.order[1], "SegmentIdentificationSequence")
    number = as_number(macro.get("ReferencedSegmentNumber")) if macro is not None else None
    kind = kinds.get(int(number)) if number is not None else next(iter(kinds.values()), None)
    return Marked(algorithm=drawn) if kind in _ALGORITHMS else Marked(people=drawn)


def unclear(header: Dataset) -> str:
    """Why nobody can tell what a mask marks; empty where one can."""
    fractions = str(header.get("SegmentationType", "") or "") == "FRACTIONAL"
    if fractions and not as_number(header.get("MaximumFractionalValue")):
        return "it holds fractions and does not say of what (MaximumFractionalValue)"
    return ""


def _is_label_map(header: Dataset) -> bool:
    labels = str(header.get("SegmentationType", "") or "") == "LABELMAP"
    return labels or str(header.get("SOPClassUID", "") or "") == LABEL_MAP


def _algorithm_types(header: Dataset) -> dict[int, str]:
    """Segment Algorithm Type by segment number."""
    found = {}
    for segment in header.get("SegmentSequence") or ():
        number = as_number(segment.get("SegmentNumber"))
        if number is not None:
            found[int(number)] = str(segment.get("SegmentAlgorithmType", "") or "").strip().upper()
    return found


def drawn_by_algorithm(frames: Sequence[Frame]) -> bool:
    """Whether a mask holds nothing that people drew."""
    return all(marked(frame).people is None for frame in frames)


def as_masks(frames: Sequence[Frame]) -> list[Frame]:
    """Frames of a segmentation with 1 where something is marked and 0 elsewhere; of plain images as they are."""
    return [_as_mask(frame) if is_segmentation(frame.header) else frame for frame in frames]


def _as_mask(frame: Frame) -> Frame:
    found = marked(frame)
    whole = np.zeros(frame.pixels.shape, bool)
    for part in (found.people, found.algorithm):
        whole |= False if part is None else part
    return replace(frame, pixels=whole.astype(np.float32), padding=None, value_range=None)
