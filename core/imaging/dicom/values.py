"""From a DICOM frame's stored values to physical ones: padding apart, modality transformation, unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from core.imaging.dicom import functional_groups as groups
from core.imaging.dicom.luts import read_table
from core.imaging.dicom.stored_bits import stored_bits, stored_values
from core.imaging.hounsfield import why_not_hounsfield
from core.imaging.padding import padding_mask
from core.imaging.study import Modality, Unit

_TRANSFORMATION = "PixelValueTransformationSequence"


@dataclass(frozen=True, eq=False)
class Values:
    """One frame's values.

    Attributes:
        pixels: float32 ``(rows, columns)`` in ``unit``.
        padding: bool of the same shape, pixels that hold no image; ``None`` where all do.
        unit: HU, grey level or arbitrary; uptake is worked out for a whole series.
        value_range: of a grey level.
        signed: whether values may be negative.
        quantitative: whether a rescale, not a curve, made the values, as uptake needs it.
        notes: sentences about what had to be assumed.
    """

    pixels: np.ndarray
    padding: np.ndarray | None
    unit: Unit
    value_range: tuple[float, float] | None
    signed: bool
    quantitative: bool
    notes: tuple[str, ...]


def physical(header: Dataset, index: int, words: np.ndarray, *, modality: Modality, in_colour: bool) -> Values:
    """Values of one frame.

    Args:
        header: of the file.
        index: frame within it.
        words: as decoded, ``(rows, columns)``; luminance from 0 to 255 for colour.
        modality: of the file.
        in_colour: whether the file stores colour.

    Raises:
        UnreadableFileError: the modality look-up table is incomplete.
    """
    notes: list[str] = []
    if in_colour:
        if modality is Modality.CT:
            notes.append("The CT numbers are not in HU: it is a picture in colour.")
        return Values(words.astype(np.float32), None, Unit.GREY, (0.0, 255.0), False, False, tuple(notes))
    stored = stored_values(words, header)
    padding = padding_mask(words, header)
    if stored is not words:  # writers put the value into the whole word, or into the stored bits alone
        padding = _either(padding, padding_mask(stored, header))
    beside = stored != words
    if stored is not words and (beside if padding is None else beside & ~padding).any():
        notes.append("Bits beside the stored ones (BitsStored) are no part of the pixels and were left out.")
    pixels, transformed, changed = _transformed(header, index, stored, notes)
    missing = ~np.isfinite(pixels)
    if missing.any():
        pixels[missing] = 0.0
        padding = missing if padding is None else padding | missing
        notes.append("Pixels without a number count as background.")
    bits = stored_bits(header, 8 * words.dtype.itemsize) if words.dtype.kind in "iu" else 64
    unit = Unit.GREY if bits <= 8 and not changed else Unit.ARBITRARY
    if modality is Modality.CT:
        why = why_not_hounsfield(header, index, transformed)
        unit = Unit.HU if why is None else unit
        if why is not None:
            notes.append(f"The CT numbers are not in HU: {why}.")
    signed = bool(stored.dtype.kind == "i") or bool(pixels.min(initial=0.0) < 0)
    value_range = (0.0, float(2**bits - 1)) if unit is Unit.GREY and stored.dtype.kind == "u" else None
    quantitative = transformed is not None and not header.get("ModalityLUTSequence")
    return Values(pixels, padding, unit, value_range, signed, quantitative, tuple(notes))


def _either(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return other if one is None else one if other is None else one | other


def _transformed(
    header: Dataset, index: int, stored: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, str | None, bool]:
    """Values after the modality transformation; the type it names, ``None`` without one; whether it changes anything.

    A look-up table stands for slope and intercept (PS3.3 C.11.1); its type is marked as LUT.
    """
    tables = header.get("ModalityLUTSequence")
    if tables:
        signed = bool(header.get("PixelRepresentation"))
        little = bool(header.file_meta.TransferSyntaxUID.is_little_endian)
        table = read_table(tables[0], signed=signed, little_endian=little)
        kind = table.kind.strip().upper()
        return table(stored).astype(np.float32), "HU" if kind == "HU" else f"{kind} by a LUT".strip(), True
    slope = groups.number(header, index, _TRANSFORMATION, "RescaleSlope")
    intercept = groups.number(header, index, _TRANSFORMATION, "RescaleIntercept")
    for keyword, found in (("RescaleSlope", slope), ("RescaleIntercept", intercept)):
        if found is None and groups.text(header, index, _TRANSFORMATION, keyword):
            notes.append(f"{keyword} in the header is no number: the stored values are shown as they are.")
            return stored.astype(np.float32), None, False
    if slope is None and intercept is None:
        return stored.astype(np.float32), None, False
    if slope == 0:
        notes.append("The rescale slope is 0: the stored values are shown as they are.")
        return stored.astype(np.float32), None, False
    scale, shift = 1.0 if slope is None else slope, intercept or 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = np.asarray(stored * np.float64(scale) + shift, dtype=np.float32)
    return pixels, groups.text(header, index, _TRANSFORMATION, "RescaleType"), (scale, shift) != (1.0, 0.0)
