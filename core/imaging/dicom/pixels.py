"""Pixels of a DICOM data set, checked against its header before anything is decoded."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, get_decoder, pixel_array
from pydicom.uid import RLELossless

from core.errors import UnreadableFileError
from core.imaging.dicom.jpeg_decoder import register
from core.imaging.dicom.jpeg_frames import coded_size
from core.imaging.dicom.stored_bits import stored_bits, stored_values
from core.imaging.limits import Budget
from core.imaging.raster import grey_of, has_colour
from core.imaging.terms import code_or_none

_WIDTHS = (1, 8, 16, 32, 64)
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
register()


def decode(header: Dataset, budget: Budget) -> tuple[np.ndarray, bool, bool]:
    """Stored values of all frames.

    Returns:
        The frames ``(frames, rows, columns)`` (stored values; luminance from 0 to 255 for colour), whether the image is
        stored in a colour format, and whether it really had colour.

    Raises:
        UnreadableFileError: the pixel data is truncated, damaged, or compressed in a way that cannot be decoded.
        LimitExceededError: too large by its header.
    """
    rows, columns = int(header.get("Rows", 0) or 0), int(header.get("Columns", 0) or 0)
    frames = max(int(header.get("NumberOfFrames", 1) or 1), 1)
    if rows < 1 or columns < 1:
        raise UnreadableFileError("The DICOM header lacks rows and columns.", "Export the series again.")
    budget.check_size(columns, rows)
    _check_decoder(header)
    _check_layout(header)
    budget.add_voxels(rows * columns * frames, rows * columns * frames * _beside(header))
    _check_frames(header, rows, columns, frames)
    # labels of a label map are numbers of segments, whatever colours the file gives them
    palette = header.get("PhotometricInterpretation") == "PALETTE COLOR" and "SegmentSequence" not in header
    try:
        # the bits beside the stored ones are dealt with here: padding may lie in them
        values = pixel_array(header, correct_unused_bits=False)
        if palette:
            values = apply_color_lut(values, header)
    except Exception as error:  # decoders raise anything on damaged data
        raise UnreadableFileError("The pixel data is truncated or damaged.", "Export or copy it again.") from error
    samples = int(header.get("SamplesPerPixel", 1) or 1)
    stored_in_colour = samples > 1 or palette
    if not stored_in_colour:
        return values.reshape(frames, rows, columns), False, False
    grey, colour = _luminance(values.reshape(frames, rows, columns, -1), header, palette=palette)
    return grey, True, colour


def _luminance(values: np.ndarray, header: Dataset, *, palette: bool) -> tuple[np.ndarray, bool]:
    """Luminance from 0 to 255 of ``(frames, rows, columns, 3)``, frame by frame, and whether any frame had colour."""
    bits = 8 * values.dtype.itemsize
    bits = _palette_bits(header, bits) if palette else stored_bits(header, bits)
    scale = np.float32(255.0 / (2.0**bits - 1.0))
    tolerance = 2.0 if header.file_meta.TransferSyntaxUID.is_compressed else 0.0

    def scaled(frame: np.ndarray) -> np.ndarray:
        return (frame if palette else stored_values(frame, header)).astype(np.float32) * scale

    colour = any(has_colour(scaled(frame), tolerance) for frame in values)
    grey = np.empty(values.shape[:3], np.float32)
    for number, frame in enumerate(values):
        grey[number] = grey_of(scaled(frame), colour=colour)
    return grey, colour


def _palette_bits(header: Dataset, bits: int) -> int:
    """Bits of a palette's entries: some writers declare 16 and give each entry a value of 8."""
    tables = [header.get(f"{colour}PaletteColorLookupTableData") for colour in ("Red", "Green", "Blue")]
    if bits != 16 or not all(isinstance(table, bytes) for table in tables):
        return bits
    entries = np.frombuffer(b"".join(tables), "u1")
    little = bool(header.file_meta.TransferSyntaxUID.is_little_endian)
    return 8 if len(entries) % 2 == 0 and not entries[1 if little else 0 :: 2].any() and entries.any() else bits


def _beside(header: Dataset) -> int:
    """Bytes a pixel that are held beside the frames: the pixel data out of the file and decoded, colours turned."""
    samples, bits = int(header.get("SamplesPerPixel", 1) or 1), int(header.get("BitsAllocated", 8) or 8)
    space = str(header.get("PhotometricInterpretation", "") or "")
    turned = {"P": 6, "Y": 24}.get(space[:1], 0)  # palette to three words, YBR to RGB in floating point
    return 2 * samples * max(bits // 8, 1) + turned


def _check_decoder(header: Dataset) -> None:
    """Refuse what no decoder is there for; the file itself is sound."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    try:
        known = syntax is None or get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        name = syntax.name[:64] if syntax.is_transfer_syntax and not syntax.is_private else "an unknown transfer syntax"
        raise UnreadableFileError(
            f"The pixels are stored as {name}, which cannot be decoded here.",
            "Export the series uncompressed, or as JPEG, JPEG-LS, JPEG 2000 or RLE.",
        )


def _check_layout(header: Dataset) -> None:
    """Refuse in true words what the standard no longer has, or never had; the file itself may be sound."""
    samples, bits = int(header.get("SamplesPerPixel", 1) or 1), int(header.get("BitsAllocated", 8) or 8)
    space = str(header.get("PhotometricInterpretation", "") or "")[:16]
    odd = ""
    if samples not in (1, 3):
        odd = f"The file stores {samples} samples per pixel"
    elif bits not in _WIDTHS:
        odd = f"The file stores pixels of {bits} bits"
    elif samples == 3 and space not in _COLOURS:
        odd = f"The file stores colours as {code_or_none(space) if space else 'a kind that it does not name'}"
    if odd:
        raise UnreadableFileError(f"{odd}, which is not read here.", "Export the series in grey or as RGB.")


def _check_frames(header: Dataset, rows: int, columns: int, frames: int) -> None:
    """Compare compressed frames with the header: a decoder would believe the frame's own, larger size."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_encapsulated or "PixelData" not in header:
        return
    samples, bits = int(header.get("SamplesPerPixel", 1) or 1), int(header.get("BitsAllocated", 8) or 8)
    # run-length coding at its worst adds one byte in 128, and a header of 64 bytes
    largest = rows * columns * samples * max(bits // 8, 1) * 2 + 4096
    try:
        for frame in generate_frames(header.PixelData, number_of_frames=frames):
            if syntax == RLELossless:
                agrees = len(frame) <= largest
            else:
                size = coded_size(frame)
                agrees = size is None or size == (columns, rows)
            if not agrees:
                raise UnreadableFileError(
                    "The compressed picture has another size than the DICOM header says.", "Export the series again."
                )
    except UnreadableFileError:
        raise
    except Exception as error:  # damaged encapsulation
        raise UnreadableFileError("The compressed pixel data is damaged.", "Export the series again.") from error
