"""The second form of a file of weights: what was packed, without loss, in fewer bytes.

What :mod:`core.weights.store` packs has fewer values than its bits could hold, and members that began with the same
weights differ by little. So all numbers of a kind are coded together, a stream for each of their bytes (bytes of like
meaning are alike), by Huffman coding alone (RFC 1951, by zlib; lzma, whose search for repeats finds none, took 1 to
10 % more on the shipped weights). Members after the first are stored as what they differ by:

- floats by the difference of their bits, as integers, from the first member's;
- integers by the difference from what the mean of the earlier members would be in steps of this one's scale.

On four EfficientNet-Lite0 that began as ImageNet's, each rounded by itself to five bits, that leaves 55 %.

The file is safetensors with two entries of bytes: :data:`HEADER`, JSON deflated by zlib (version, name, type and shape
of all that was packed, lengths of the streams), and :data:`STREAMS`, one after the other.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from core.weights.quantise import steps

HEADER, STREAMS = "coding", "streams"
SCALE, MEMBER = ".scale", "members."
_KINDS = ("float32", "float16", "int8")  # scales before the integers that they belong to
_BITS: dict[str, np.dtype[np.signedinteger]] = {
    "float32": np.dtype("<i4"),
    "float16": np.dtype("<i2"),
    "int8": np.dtype("i1"),
}
_MOST_HEADER = 1 << 22
_DENSEST = 8  # symbols a byte: no code is shorter than a bit


class Entry(BaseModel):
    """Name, type and shape of one packed tensor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    kind: Literal["float32", "float16", "int8"]
    shape: tuple[NonNegativeInt, ...]

    @property
    def count(self) -> int:
        """Of its numbers."""
        return math.prod(self.shape)


class Header(BaseModel):
    """What the streams hold: entries in order, bytes of each stream in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[2]
    entries: tuple[Entry, ...]
    lengths: tuple[NonNegativeInt, ...]


def is_coded(stored: Mapping[str, torch.Tensor]) -> bool:
    """Whether a file's entries are of this form."""
    return set(stored) == {HEADER, STREAMS}


def encoded(packed: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What was packed, as the two entries of a file.

    Args:
        packed: float32, float16 or int8 tensors by key; integers of any number of bits as int8 with scales, see
            :mod:`core.weights.quantise`.
    """
    values = {key: packed[key].contiguous().numpy() for key in sorted(packed)}  # members in order, and one file
    entries = tuple(Entry(key=k, kind=v.dtype.name, shape=v.shape) for k, v in values.items())  # type: ignore[arg-type]
    streams = []
    for kind, own, others in _sides(entries):
        bits = [_bits(values[entry.key], kind) for entry in own]
        apart = [_bits(values[e.key], kind) - _expected(e.key, before, values, kind) for e, before in others]
        streams += [_deflated(plane) for side in (bits, apart) for plane in _planes(side, kind)]
    header = Header(version=2, entries=entries, lengths=tuple(map(len, streams)))
    told = zlib.compress(header.model_dump_json().encode(), 9)
    return {HEADER: _tensor(told), STREAMS: _tensor(b"".join(streams))}


def decoded(stored: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What was packed, bit for bit.

    Memory is bounded by the file's size, whatever the header claims: eight numbers a byte, and a header of 4 MB.

    Raises:
        ValueError: damaged, or of another version.
    """
    header = _header(stored)
    content = _content(stored[STREAMS])
    sides = list(_sides(header.entries))
    if len(header.lengths) != sum(2 * _BITS[kind].itemsize for kind, _, _ in sides):
        raise ValueError("it holds another number of streams")
    ends = list(accumulate(header.lengths, initial=0))
    if ends[-1] != len(content):
        raise ValueError(f"its streams hold {len(content)} bytes, {ends[-1]} are announced")
    streams = (content[start:end] for start, end in pairwise(ends))
    values: dict[str, np.ndarray] = {}
    for kind, own, others in sides:
        plain = _joined(streams, [entry.count for entry in own], kind)
        for entry, bits in zip(own, plain, strict=True):
            values[entry.key] = bits.view(np.dtype(kind)).reshape(entry.shape)
        apart = _joined(streams, [entry.count for entry, _ in others], kind)
        for (entry, before), bits in zip(others, apart, strict=True):
            values[entry.key] = (
                (bits + _expected(entry.key, before, values, kind)).view(np.dtype(kind)).reshape(entry.shape)
            )
    return {entry.key: torch.from_numpy(values[entry.key]) for entry in header.entries}


def _header(stored: Mapping[str, torch.Tensor]) -> Header:
    reader = zlib.decompressobj()
    try:
        told = reader.decompress(_content(stored[HEADER]), _MOST_HEADER)
        if not reader.eof:
            raise ValueError("its header does not end")
        header = Header.model_validate_json(told)
    except zlib.error as error:
        raise ValueError(f"its header cannot be read ({error})") from error
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise ValueError(f"its header is of another version or damaged ({where or 'no JSON'})") from error
    if len({entry.key for entry in header.entries}) != len(header.entries):
        raise ValueError("its header names an entry twice")
    return header


_Others = list[tuple[Entry, tuple[str, ...]]]


def _sides(entries: tuple[Entry, ...]) -> Iterator[tuple[str, list[Entry], _Others]]:
    """By kind: entries that stand for themselves, and those that are told from earlier members, with these."""
    known: dict[str, Entry] = {}
    own: dict[str, list[Entry]] = {kind: [] for kind in _KINDS}
    others: dict[str, _Others] = {kind: [] for kind in _KINDS}
    scales = {e.key: e for e in entries if e.key.endswith(SCALE)}
    for entry in entries:
        before = _before(entry, known, scales)
        if before:
            others[entry.kind].append((entry, before))
        else:
            own[entry.kind].append(entry)
        known[entry.key] = entry
    for kind in _KINDS:
        yield kind, own[kind], others[kind]


def _before(entry: Entry, known: Mapping[str, Entry], scales: Mapping[str, Entry]) -> tuple[str, ...]:
    """Keys of the earlier members' entries that this one is told from; none where it stands for itself."""
    number, _, name = entry.key.removeprefix(MEMBER).partition(".")
    if not entry.key.startswith(MEMBER) or not number.isdecimal() or len(number) > 2 or int(number) == 0:
        return ()
    keys = tuple(f"{MEMBER}{n}.{name}" for n in range(int(number) if entry.kind == "int8" else 1))
    if any(k not in known or (known[k].kind, known[k].shape) != (entry.kind, entry.shape) for k in keys):
        return ()
    if entry.kind == "int8":
        theirs = [scales.get(key + SCALE) for key in (entry.key, *keys)]
        if any(s is None or len(s.shape) != 1 or s.kind == "int8" for s in theirs):
            return ()
    return keys


def _expected(key: str, before: tuple[str, ...], values: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
    """Bits that an entry is told from, ``(N,)``; IEEE 754 arithmetic only, so that every machine has the same."""
    if kind != "int8":
        return _bits(values[before[0]], kind)
    total = sum(values[k].ravel() * steps(values[k + SCALE], values[k].shape) for k in before)
    own = steps(values[key + SCALE], values[before[0]].shape)
    with np.errstate(all="ignore"):  # a damaged file's scales may be anything
        mean = total / (len(before) * np.where(own > 0, own, 1.0))
    return np.nan_to_num(np.rint(mean)).clip(-127, 127).astype(np.int8)


def _bits(value: np.ndarray, kind: str) -> np.ndarray:
    return value.ravel().view(_BITS[kind])


def _planes(values: list[np.ndarray], kind: str) -> list[bytes]:
    """Bytes of all numbers, lowest first: one of each place."""
    size = _BITS[kind].itemsize
    whole = np.concatenate(values).view(np.uint8).reshape(-1, size) if values else np.zeros((0, size), np.uint8)
    return [whole[:, place].tobytes() for place in range(size)]


def _joined(streams: Iterator[bytes], counts: list[int], kind: str) -> list[np.ndarray]:
    """Numbers of several entries, as bits, from the streams of their bytes."""
    size, total = _BITS[kind].itemsize, sum(counts)
    planes = [np.frombuffer(_inflated(next(streams), total), np.uint8) for _ in range(size)]
    whole = np.ascontiguousarray(np.stack(planes, 1)).view(_BITS[kind]).ravel()
    return np.split(whole, list(accumulate(counts))[:-1]) if counts else []


def _deflated(symbols: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(symbols) + coder.flush()


def _inflated(stream: bytes, count: int) -> bytes:
    if count > _DENSEST * len(stream):
        raise ValueError(f"{len(stream)} bytes cannot hold the {count} numbers that its header announces")
    reader = zlib.decompressobj(-15)
    try:
        found = reader.decompress(stream, count + 1)
    except zlib.error as error:
        raise ValueError(f"a stream cannot be read ({error})") from error
    if len(found) != count or not reader.eof or reader.unused_data:
        raise ValueError(f"a stream holds {len(found)} bytes or more, {count} are announced")
    return found


def _tensor(content: bytes) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())


def _content(value: torch.Tensor) -> bytes:
    if value.dtype != torch.uint8 or value.dim() != 1:
        raise ValueError("its streams are no bytes")
    return value.numpy().tobytes()
