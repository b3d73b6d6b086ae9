"""PNG files without text, camera data, colour profiles and anything after their end."""

from __future__ import annotations

import io
import zlib
from typing import Any

from PIL import Image

from core.imaging.limits import MIB

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"})
_ORIENTATION = 0x0112


def bare_png(data: bytes) -> bytes:
    """The picture's own chunks, byte for byte; of camera data the orientation stays."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        turned = int(image.getexif().get(_ORIENTATION, 1) or 1)
    out, at, ended = [_SIGNATURE], len(_SIGNATURE), False
    lines = zlib.decompressobj()
    while not ended:
        length = int.from_bytes(data[at : at + 4], "big")
        kind, chunk = data[at + 4 : at + 8], data[at : at + 12 + length]
        if len(chunk) < 12 + length:
            raise ValueError("a PNG chunk is cut")
        if kind == b"IDAT":
            out += _line_chunk(chunk[8:-4], lines)
        elif kind in _KEPT:
            out.append(chunk)
        if kind == b"IHDR" and 2 <= turned <= 8:
            out.append(_orientation(turned))
        at += 12 + length
        ended = kind == b"IEND"
    return b"".join(out)


def _line_chunk(packed: bytes, lines: Any) -> list[bytes]:
    """The chunk as far as the packed lines go, so that nothing is kept behind their end; nothing after that."""
    if lines.eof:
        return []
    rest = packed
    while rest and not lines.eof:
        lines.decompress(rest, MIB)  # bounded: only where it ends is asked for
        rest = lines.unconsumed_tail
    kept = packed[: len(packed) - len(lines.unused_data)] if lines.eof else packed
    return [len(kept).to_bytes(4, "big") + b"IDAT" + kept + zlib.crc32(b"IDAT" + kept).to_bytes(4, "big")]


def _orientation(turned: int) -> bytes:
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([turned, 0, 0, 0]) + b"\0\0\0\0"
    return len(tiff).to_bytes(4, "big") + b"eXIf" + tiff + zlib.crc32(b"eXIf" + tiff).to_bytes(4, "big")
