"""TIFF sample formats (tag 339) that Pillow reads as something else, or not at all: signed, wide and half numbers."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile

from core.errors import UnreadableFileError
from core.imaging.limits import Budget

# tags of damaged files would be written to the log, text among them
logging.getLogger("tifffile").setLevel(logging.CRITICAL)
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339
_WHITE_IS_ZERO = 0
_SIGNED, _FLOAT = 2, 3
_KINDS = {"u": "unsigned whole numbers", "i": "signed whole numbers", "f": "floating-point numbers"}
# tag 274: how often to turn to the left, after mirroring left to right
_UPRIGHT = {2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (3, False), 7: (3, True), 8: (1, False)}


@dataclass(frozen=True, eq=False)
class Samples:
    """One page.

    Attributes:
        pixels: ``(height, width)``, numbers as stored.
        low_is_bright: stored with white as zero.
    """

    pixels: np.ndarray
    low_is_bright: bool


def bits_of(tags: Mapping[int, Any]) -> int:
    """Bits of one sample; 1 where the file does not say."""
    return int(_first(tags.get(_BITS, 1)))


def as_stored(values: np.ndarray, tags: Mapping[int, Any]) -> np.ndarray:
    """What Pillow decoded, in the sample format that the file names: it knows no signed bytes and no unsigned words.

    Args:
        values: grey values of one sample, uint8 or int32.
        tags: the page's tags by number.
    """
    signed = int(_first(tags.get(_FORMAT, 1))) == _SIGNED
    if values.dtype == np.uint8 and signed and bits_of(tags) == 8:
        return values.view(np.int8)
    if values.dtype == np.int32 and not signed and bits_of(tags) == 32:
        return values.view(np.uint32)
    return values


def is_signed_bytes(tags: Mapping[int, Any]) -> bool:
    """Whether the samples are signed bytes, which Pillow shows as grey from 0 to 255."""
    return int(_first(tags.get(_FORMAT, 1))) == _SIGNED and bits_of(tags) == 8


def read_pages(data: bytes, budget: Budget) -> Iterator[Samples]:
    """Pages of a TIFF that Pillow does not know, uncompressed only: what comes out is never more than went in.

    Raises:
        UnreadableFileError: damaged, or of a kind that is not read here, which the message names.
        LimitExceededError: too large by its header.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            for number, page in enumerate(file.pages):
                if number:
                    budget.add_file()
                yield _page(page, len(data), budget)
    except UnreadableFileError:
        raise
    except (tifffile.TiffFileError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError) as error:
        raise UnreadableFileError(
            "The TIFF picture is truncated or damaged.", "Export or download it again."
        ) from error


def _page(page: Any, size: int, budget: Budget) -> Samples:
    width, height = int(page.imagewidth), int(page.imagelength)
    if width < 1 or height < 1:
        raise ValueError("a page without pixels")
    budget.check_size(width, height)
    budget.add_voxels(width * height, width * height * 16)
    kind = page.dtype
    samples = int(page.samplesperpixel)
    words = f"{page.bitspersample}-bit {_KINDS.get(getattr(kind, 'kind', ''), 'numbers of an unknown kind')}"
    if kind is None or kind.kind not in _KINDS or samples != 1 or int(page.imagedepth) != 1:
        many = f"{samples} samples of " if samples != 1 else ""
        raise UnreadableFileError(
            f"The TIFF holds {many}{words}, which is not read here.", "Save it in grey with 8 or 16 bits a pixel."
        )
    if int(page.compression) != 1:
        name = getattr(page.compression, "name", str(page.compression))
        raise UnreadableFileError(
            f"The TIFF holds {words} compressed by {name}, which is not read here.", "Save it uncompressed."
        )
    ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > size:
        raise ValueError("pixel data beyond the end of the file")
    pixels = np.asarray(page.asarray()).reshape(height, width)
    turns, mirrored = _UPRIGHT.get(int(page.tags.valueof(274, 1)), (0, False))
    pixels = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)
    return Samples(pixels, int(page.photometric) == _WHITE_IS_ZERO)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, (tuple, list)) else value
