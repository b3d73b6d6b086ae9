"""TIFF sample formats (tag 339) that Pillow reads as something else, or not at all: signed, wide and half numbers."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import numpy as np
import tifffile

from core.errors import UnreadableFileError
from core.imaging.limits import Budget

# tags of damaged files would be written to the log, text among them
logging.getLogger("tifffile").setLevel(logging.CRITICAL)
_BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION, _PLANES, _PREDICTOR = 258, 259, 262, 270, 284, 317
_FORMAT, _DEPTH = 339, 32997
_WHITE_IS_ZERO, _PALETTE = 0, 3
_SEPARATE, _FLOAT_PREDICTOR = 2, 3
_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000})  # that Pillow's libtiff brings
_FEW_PAGES = 16  # so many are asked why a file is not read: damaged ones may run in a circle
_NO_PICTURES = {4: "transparency mask", 32803: "colour filter array", 34892: "raw camera data"}
_IMAGEJ = re.compile(r"^images=(\d{1,9})\s*$", re.MULTILINE)
_SHAPED = re.compile(r'\{"shape": \[([\d, ]{1,80})\]')
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


def why_not_by_pillow(tags: Mapping[int, Any]) -> str | None:
    """Why Pillow would read this page as something else than it holds, without a word; ``None`` where it would not.

    Args:
        tags: the page's tags by number, as Pillow keeps them.
    """
    bits = bits_of(tags)
    compression, planes, predictor = (int(_first(tags.get(tag, 1))) for tag in (_COMPRESSION, _PLANES, _PREDICTOR))
    if planes == _SEPARATE and bits == 16 and compression == 1:
        return "colours of 16 bits, plane by plane and not compressed"
    if int(_first(tags.get(_PHOTOMETRIC, 1))) == _PALETTE and bits > 8:
        return f"a palette of {bits} bits"
    if predictor == _FLOAT_PREDICTOR and getattr(tags, "prefix", b"II") == b"MM":
        return "floating-point numbers in big-endian order behind a predictor"
    depth = int(_first(tags.get(_DEPTH, 1)))
    return f"{depth} images in one page" if depth > 1 else None


def promised(tags: Mapping[int, Any]) -> int:
    """Images that the program which wrote the first page says the file holds; 1 where it does not say."""
    description = str(_first(tags.get(_DESCRIPTION, "")) or "")
    found = _IMAGEJ.search(description) if description.startswith("ImageJ=") else None
    if found:
        return int(found[1])
    shaped = _SHAPED.match(description) if '"truncated": true' in description else None
    sizes = [int(size) for size in shaped[1].split(",")] if shaped else []
    return math.prod(sizes[:-2]) if len(sizes) > 2 else 1


def unread(data: bytes) -> UnreadableFileError:
    """Why Pillow gave up on a TIFF: a kind that is not read here, or damage."""
    # damaged bytes bring about anything
    with contextlib.suppress(Exception), tifffile.TiffFile(io.BytesIO(data)) as file:
        for page in islice(cast(Any, file.pages), _FEW_PAGES):
            if int(page.compression) not in _COMPRESSIONS:
                name = getattr(page.compression, "name", str(page.compression))
                return not_read(f"a page compressed by {name}")
            if int(page.photometric) in _NO_PICTURES:
                return not_read(f"a page of the kind {_NO_PICTURES[int(page.photometric)]}")
    return UnreadableFileError("The TIFF picture is truncated or damaged.", "Export or download it again.")


def not_read(what: str) -> UnreadableFileError:
    """An error in true words: the file may be sound."""
    return UnreadableFileError(
        f"The TIFF holds {what}, which is not read here.", "Save it as ordinary pages of 8 or 16 bits a pixel."
    )


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
    if int(page.photometric) == _PALETTE:
        raise not_read(f"a palette of {page.bitspersample} bits")
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
