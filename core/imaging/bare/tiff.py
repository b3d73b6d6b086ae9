"""TIFF and BigTIFF files with the strips or tiles of their pictures and the tags that say how those are coded."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from core.imaging.bare.jpeg import bare_stream
from core.imaging.limits import DEFAULT_LIMITS, MIB

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8, 18: 8}
_OFFSETS, _COUNTS = (273, 324), (279, 325)
# Size, bits, compression, photometry, fill order, orientation, samples, rows a strip, resolution, planes, predictor,
# colour map, tiles, extra samples, sample format, least and most value, JPEG tables, YCbCr.
_KEPT = frozenset(
    {254, 256, 257, 258, 259, 262, 266, 274, 277, 278, 280, 281, 282, 283, 284, 296, 292, 293, 317, 320, 322, 323, 338}
    | {339, 340, 341, 347, 529, 530, 531, 532, *_OFFSETS, *_COUNTS}
)
_LONG8 = 16
_TABLES = 347
_BYTES, _MOST_BYTES = (1, 6, 7), 8  # kinds that can hold text, and how many of them a kept tag has at most
_JPEG, _OLD_JPEG, _DEFLATE, _PLAIN = 7, 6, (8, 32946), 1


@dataclass(frozen=True)
class _Layout:
    """How a TIFF file writes numbers."""

    order: str
    big: bool

    def number(self, data: bytes, at: int, size: int) -> int:
        return int.from_bytes(_slice(data, at, size), "little" if self.order == "<" else "big")

    @property
    def word(self) -> int:
        return 8 if self.big else 4

    @property
    def entry(self) -> int:
        return 20 if self.big else 12

    @property
    def heading(self) -> int:
        return 8 if self.big else 2


def bare_tiff(data: bytes) -> bytes:
    """Every page's strips or tiles, byte for byte, behind directories that hold no text."""
    order = "<" if data[:2] == b"II" else ">"
    layout = _Layout(order, struct.unpack(order + "H", data[2:4])[0] == 43)
    at = layout.number(data, 8 if layout.big else 4, layout.word)
    out = bytearray(data[: 16 if layout.big else 8])
    link, seen = 8 if layout.big else 4, set[int]()
    while at:
        if at in seen or len(seen) > DEFAULT_LIMITS.files:
            raise ValueError("the pages of the TIFF file run in a circle")
        seen.add(at)
        entries, at = _directory(data, at, layout)
        link = _write(data, entries, layout, out, link)
    return bytes(out)


def _slice(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) < size:
        raise ValueError("the TIFF file is cut")
    return found


def _directory(data: bytes, at: int, layout: _Layout) -> tuple[dict[int, tuple[int, int, bytes]], int]:
    """Tags of a page as (type, count, raw values), and where the next page's directory lies."""
    count = layout.number(data, at, layout.heading)
    entries = {}
    for place in range(count):
        begin = at + layout.heading + place * layout.entry
        tag, kind = layout.number(data, begin, 2), layout.number(data, begin + 2, 2)
        many = layout.number(data, begin + 4, layout.word)
        if tag not in _KEPT or kind not in _SIZES or kind == 2:
            continue
        if kind in _BYTES and tag != _TABLES and many > _MOST_BYTES:
            continue
        size, inline = many * _SIZES[kind], begin + 4 + layout.word
        where = inline if size <= layout.word else layout.number(data, inline, layout.word)
        entries[tag] = (kind, many, _slice(data, where, size))
    return entries, layout.number(data, at + layout.heading + count * layout.entry, layout.word)


def _numbers(entry: tuple[int, int, bytes], order: str) -> list[int]:
    kind, many, raw = entry
    return list(struct.unpack(f"{order}{many}{ {1: 'B', 3: 'H', 4: 'I', _LONG8: 'Q'}[kind] }", raw))


def _write(data: bytes, entries: dict[int, tuple[int, int, bytes]], layout: _Layout, out: bytearray, link: int) -> int:
    """Append a page and point to it from ``link``; returns where the next page is to be pointed to from."""
    order = layout.order
    for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True):
        if offsets not in entries:
            continue
        if counts not in entries:
            raise ValueError("the TIFF file does not say how long its strips are")
        places, sizes = [], []
        lengths = _numbers(entries[counts], order)
        coding = _numbers(entries[259], order)[0] if 259 in entries else _PLAIN
        for begin, length in zip(_numbers(entries[offsets], order), lengths, strict=True):
            _even(out)
            strip = _bare_strip(_slice(data, begin, length), coding)
            places.append(len(out))
            sizes.append(len(strip))
            out += strip
        kind = _LONG8 if layout.big else 4
        code = "Q" if layout.big else "I"
        entries[offsets] = (kind, len(places), struct.pack(f"{order}{len(places)}{code}", *places))
        entries[counts] = (kind, len(sizes), struct.pack(f"{order}{len(sizes)}{code}", *sizes))
    if _TABLES in entries:
        tables = bare_stream(entries[_TABLES][2])
        entries[_TABLES] = (7, len(tables), tables)
    raw_at = {}
    for tag, (_, _, raw) in entries.items():
        if len(raw) > layout.word:
            _even(out)
            raw_at[tag] = len(out)
            out += raw
    _even(out)
    code = "Q" if layout.big else "I"
    out[link : link + layout.word] = struct.pack(order + code, len(out))
    out += struct.pack(order + ("Q" if layout.big else "H"), len(entries))
    for tag in sorted(entries):
        kind, many, raw = entries[tag]
        out += struct.pack(order + "HH" + code, tag, kind, many)
        out += struct.pack(order + code, raw_at[tag]) if tag in raw_at else raw.ljust(layout.word, b"\0")
    link = len(out)
    out += bytes(layout.word)
    return link


def _bare_strip(strip: bytes, coding: int) -> bytes:
    """A strip or tile without comments within its coded samples, or anything behind their end."""
    if coding == _OLD_JPEG:
        raise ValueError("TIFF files with JPEG of the old kind are not written anew")
    if coding == _JPEG:
        return bare_stream(strip)
    if coding in _DEFLATE:
        worker, rest = zlib.decompressobj(), strip
        while rest and not worker.eof:
            worker.decompress(rest, MIB)  # bounded: only where it ends is asked for
            rest = worker.unconsumed_tail
        return strip[: len(strip) - len(worker.unused_data)]
    return strip


def _even(out: bytearray) -> None:
    if len(out) % 8:
        out += bytes(8 - len(out) % 8)
