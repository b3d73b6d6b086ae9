"""What may happen to a file: bytes change, vanish, come twice; numbers in headers become extreme; parts are swapped."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable

import pydicom
from pydicom import Dataset

from tests.long.fuzz.seeds import SEEDS, seed

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_FLOATS = (0.0, -1.0, 1e-300, 1e5, 1e38, 1e308, float("nan"), float("inf"), float("-inf"))
_TEXTS = ("", "0", "-1", "1e-300", "1e5", "1e400", "nan", "99999999999999999999", "\x00", "é", "A" * 500, "1\\2\\3\\4")
Mutation = Callable[[bytes, random.Random], bytes]


def mutated(name: str, rng: random.Random) -> bytes:
    """A damaged file of a kind: one to three mutations, half of the byte changes in the first 400 bytes."""
    data = seed(name)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kinds = [_flip, _set, _cut, _drop, _repeat, _number, _splice]
        if name.startswith("DICOM") and not name.startswith(("DICOM SEG", "DICOM PET")):
            kinds += [_element] * 6
        if data[:4] == b"PK\x03\x04":
            kinds += [_member] * 6
        data = rng.choice(kinds)(data, rng)
    return data


def _place(data: bytes, rng: random.Random) -> int:
    return rng.randrange(max(1, min(len(data), 400) if rng.random() < 0.5 else len(data)))


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data or b"\x00")
    for _ in range(rng.randint(1, 8)):
        out[_place(bytes(out), rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def _set(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data or b"\x00")
    for _ in range(rng.randint(1, 8)):
        out[_place(bytes(out), rng)] = rng.randrange(256)
    return bytes(out)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.randint(1, 64) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    at, size = _place(data, rng), rng.randint(1, 64)
    return data[:at] + data[at : at + size] * rng.randint(2, 20) + data[at:]


def _number(data: bytes, rng: random.Random) -> bytes:
    """An extreme number of two, four or eight bytes somewhere."""
    order = rng.choice("<>")
    packed = rng.choice(
        [
            struct.pack(f"{order}I", rng.choice(_EXTREMES)),
            struct.pack(f"{order}H", rng.choice(_EXTREMES) & 0xFFFF),
            struct.pack(f"{order}d", rng.choice(_FLOATS)),
            struct.pack(f"{order}f", max(-3e38, min(3e38, f)) if (f := rng.choice(_FLOATS)) == f else f),
        ]
    )
    at = _place(data, rng)
    return data[:at] + packed + data[at + len(packed) :]


def _splice(data: bytes, rng: random.Random) -> bytes:
    """The beginning of this file and the end of another."""
    other = seed(rng.choice(list(SEEDS)))
    return data[: _place(data, rng)] + other[rng.randrange(len(other)) :]


def _element(data: bytes, rng: random.Random) -> bytes:
    """A DICOM element with another value, or without one."""
    try:
        header = pydicom.dcmread(io.BytesIO(data), force=True)
        items: list[Dataset] = [header, *(item for e in header if e.VR == "SQ" for item in e.value)]
        where = rng.choice(items)
        element = rng.choice(list(where))
        if element.keyword in ("PixelData", "") or rng.random() < 0.15:
            del where[element.tag]
        elif element.VR in ("US", "SS", "UL", "SL"):
            count = rng.choice([1, 1, 1, 3])
            values = [rng.choice(_EXTREMES) % (2**16 if element.VR in ("US", "SS") else 2**32) for _ in range(count)]
            values = [v - 2**15 if element.VR == "SS" else v for v in values]
            element.value = values if count > 1 else values[0]
        elif element.VR in ("FL", "FD"):
            element.value = rng.choice(_FLOATS)
        elif element.VR == "SQ":
            element.value = [] if rng.random() < 0.5 else [*element.value, Dataset()]
        else:
            element._value = rng.choice(_TEXTS)
        out = io.BytesIO()
        header.save_as(out)
        return out.getvalue()
    except Exception:  # a value that cannot be written: another mutation stands in
        return _set(data, rng)


def _member(data: bytes, rng: random.Random) -> bytes:
    """A zip with one member damaged, left out, or under an odd name."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # damaged already
        return _flip(data, rng)
    number = rng.randrange(len(members)) if members else -1
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for index, (name, content) in enumerate(members):
            if index == number:
                if rng.random() < 0.1:
                    continue
                dicom = content[128:132] == b"DICM" and rng.random() < 0.7
                content = _element(content, rng) if dicom else rng.choice([_flip, _set, _cut, _number])(content, rng)
                name = rng.choice([name, name, name, "../../x", "a\\b", "x" * 300, "é.dcm"])
            made.writestr(name, content)
    return out.getvalue()
