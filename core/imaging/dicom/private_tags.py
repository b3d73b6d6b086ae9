"""Facts that makers keep in private tags: diffusion weighting, part of the complex signal, tiles of a mosaic.

The numbers are those that the makers' conformance statements and the field's converters give.
"""

from __future__ import annotations

import math
import re
import struct
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydicom import Dataset
from pydicom.tag import Tag

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nibabel calls its DICOM readers experimental; this one reads plain bytes
    from nibabel.nicom import csareader

SIEMENS = "SIEMENS MR HEADER"
_CSA = "SIEMENS CSA HEADER"
_GE_ACQUISITION = "GEMS_ACQU_01"
_GE_PARAMETERS = "GEMS_PARM_01"
_PHILIPS_IMAGING = "Philips Imaging DD 001"
_PHILIPS_MR = "Philips MR Imaging DD 001"
_UNITED_IMAGING = "Image Private Header"
_GE_OFFSET = 1_000_000_000  # GE adds it to a b-value to mark it as the nominal one
_BLOCKS = range(0x10, 0x18)
_NAMED_B = re.compile(r"(?:^|[^a-z])b[ =_]?(\d{1,5})(?![a-z\d])(?:#(\d+))?", re.IGNORECASE)
COMMENTED = re.compile(r"b=(\d+(?:\.\d+)?)(?:\(([-\d., ]+)\))?", re.IGNORECASE)
_GE_PARTS = {0: "magnitude", 1: "phase", 2: "real", 3: "imaginary"}


def private_numbers(header: Dataset, group: int, creator: str, element: int) -> tuple[float, ...]:
    """Numbers of a private element, whichever block its maker reserved; none when missing or not numeric.

    A value of unknown type comes as bytes: decimal text, else little-endian doubles or floats by its length. Where a
    de-identifier dropped the maker's mark but kept the values, the first block is taken.
    """
    blocks = [block for block in _BLOCKS if _text(header, group, block) == creator]
    if not blocks and not any(Tag(group, block) in header for block in _BLOCKS):
        blocks = [0x10]
    for block in blocks:
        found = header.get(Tag(group, block << 8 | element))
        if found is not None:
            return _numbers(found.value)
    return ()


def b_value(header: Dataset) -> float | None:
    """Diffusion weighting in s/mm² by private tags, or as sequence name and comment spell it; ``None`` for none."""
    for group, creator, element in (
        (0x0019, SIEMENS, 0x0C),
        (0x0043, _GE_PARAMETERS, 0x39),
        (0x2001, _PHILIPS_IMAGING, 0x03),
        (0x0065, _UNITED_IMAGING, 0x09),
    ):
        found = private_numbers(header, group, creator, element)
        if found and 0 <= found[0] % _GE_OFFSET < 1e5:
            return found[0] % _GE_OFFSET
    csa = siemens_csa(header).get("B_value", ())
    if csa and 0 <= csa[0] < 1e5:
        return csa[0]
    named = _NAMED_B.search(str(header.get("SequenceName", "") or ""))
    if named:
        return float(named[1])
    commented = COMMENTED.search(str(header.get("ImageComments", "") or ""))
    return float(commented[1]) if commented else None


def direction(header: Dataset) -> str:
    """Gradient direction by private tags ("0.71 0 0.71"), else its number in the sequence name ("#3"), or empty."""
    candidates: list[tuple[float, ...]] = [
        private_numbers(header, 0x0019, SIEMENS, 0x0E),
        private_numbers(header, 0x0065, _UNITED_IMAGING, 0x37),
        siemens_csa(header).get("DiffusionGradientDirection", ()),
        sum((private_numbers(header, 0x0019, _GE_ACQUISITION, e)[:1] for e in (0xBB, 0xBC, 0xBD)), ()),
        sum((private_numbers(header, 0x2005, _PHILIPS_MR, e)[:1] for e in (0xB0, 0xB1, 0xB2)), ()),
    ]
    for found in candidates:
        if len(found) == 3 and max(map(abs, found)) < 1e5:
            return spelled(found)
    named = _NAMED_B.search(str(header.get("SequenceName", "") or ""))
    if named and named[2]:
        return f"#{named[2]}"
    commented = COMMENTED.search(str(header.get("ImageComments", "") or ""))
    return spelled(_numbers(commented[2].split(","))) if commented and commented[2] else ""


def spelled(vector: Sequence[float]) -> str:
    """A direction to three decimals, zeros without a sign."""
    return " ".join(f"{round(float(part), 3) + 0.0:g}" for part in vector)


def component(header: Dataset) -> str:
    """Part of the complex signal by GE's private tag: "magnitude", "phase", "real", "imaginary", or empty."""
    found = private_numbers(header, 0x0043, _GE_PARAMETERS, 0x2F)
    return _GE_PARTS.get(int(found[0]), "") if found else ""


def siemens_csa(header: Dataset) -> Mapping[str, tuple[float, ...]]:
    """Numbers of Siemens' CSA image header by name; empty without one, or where it is damaged."""
    for block in _BLOCKS:
        if _text(header, 0x0029, block) != _CSA:
            continue
        element = header.get(Tag(0x0029, block << 8 | 0x10))
        raw = getattr(element, "value", None)
        if not isinstance(raw, bytes):
            continue
        return _read_csa(raw)
    return {}


@lru_cache(maxsize=4)  # it is asked for several facts of one image in a row
def _read_csa(raw: bytes) -> dict[str, tuple[float, ...]]:
    wanted = ("B_value", "DiffusionGradientDirection", "NumberOfImagesInMosaic", "SliceNormalVector")
    try:
        tags: dict[str, Any] = csareader.read(raw)["tags"]
        return {name: _numbers(tags[name]["items"]) for name in wanted if name in tags}
    except Exception:  # the maker's own format, unpublished: damaged bytes raise anything
        return {}


def _text(header: Dataset, group: int, element: int) -> str:
    found = header.get(Tag(group, element))
    raw = getattr(found, "value", "")
    return raw.decode("ascii", "ignore").strip("\x00 ") if isinstance(raw, bytes) else str(raw or "").strip()


def _numbers(raw: object) -> tuple[float, ...]:
    if isinstance(raw, bytes):
        text = raw.decode("ascii", "ignore").strip("\x00 ")
        if re.fullmatch(r"[-+.\deE\\ ]+", text):
            raw = text.split("\\")
        elif raw and len(raw) % 8 == 0:
            raw = struct.unpack(f"<{len(raw) // 8}d", raw)
        elif raw and len(raw) % 4 == 0:
            raw = struct.unpack(f"<{len(raw) // 4}f", raw)
        elif len(raw) == 2:
            raw = struct.unpack("<H", raw)
        else:
            return ()
    values = raw if isinstance(raw, Sequence) and not isinstance(raw, str) else [raw]
    try:
        numbers = tuple(float(value) for value in values)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()
