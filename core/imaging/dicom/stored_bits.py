"""Stored values out of the words that hold them (PS3.5 section 8.1.1)."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset


def stored_values(words: np.ndarray, header: Dataset) -> np.ndarray:
    """The bits of every word that belong to the pixel, sign extended.

    What lies beside Bits Stored (old overlays, missing signs) is no part of the value. Floating-point pixels, and words
    that are used in full, come back as they are.

    Args:
        words: integers as decoded, of the width Bits Allocated.
        header: with Bits Stored, High Bit and Pixel Representation.
    """
    if words.dtype.kind not in "iu":
        return words
    width = 8 * words.dtype.itemsize
    bits = stored_bits(header, width)
    if bits >= width:
        return words
    shift = max(0, min(_number(header, "HighBit", bits - 1) + 1 - bits, width - bits))
    if header.file_meta.TransferSyntaxUID.is_encapsulated:
        shift = 0  # the codec knows samples, not words
    unsigned = words.view(f"u{words.dtype.itemsize}")
    kept = (unsigned >> np.array(shift, unsigned.dtype)) & np.array(2**bits - 1, unsigned.dtype)
    if not header.get("PixelRepresentation"):
        return kept
    sign = np.array(2 ** (bits - 1), unsigned.dtype)
    return np.asarray(((kept ^ sign) - sign).view(f"i{words.dtype.itemsize}"))


def stored_bits(header: Dataset, width: int) -> int:
    """Bits Stored within a word of ``width`` bits; all of them where the header says nothing plausible."""
    bits = _number(header, "BitsStored", width)
    return bits if 1 <= bits <= width else width


def _number(header: Dataset, keyword: str, default: int) -> int:
    try:
        return int(header.get(keyword))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return default
