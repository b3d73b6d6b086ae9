"""Files of weights of the second form, taken apart with zlib, JSON and numpy alone."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

WORDS = {"float32": "<u4", "float16": "<u2", "int8": "u1"}


def parts(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    """Header and deflated streams of a file."""
    held = load_file(path)
    assert sorted(held) == ["coding", "streams"]
    header = json.loads(zlib.decompress(held["coding"].tobytes()))
    ends = np.cumsum(header["lengths"])
    assert ends[-1] == held["streams"].size
    return header, [part.tobytes() for part in np.split(held["streams"], ends[:-1])]


def opened(path: Path) -> dict[str, np.ndarray]:
    """What was packed, by key."""
    header, streams = parts(path)
    assert header["version"] == 2
    planes = iter([np.frombuffer(zlib.decompress(s, wbits=-15), np.uint8) for s in streams])
    kinds = {e["key"]: e["kind"] for e in header["entries"]}
    shapes = {e["key"]: tuple(e["shape"]) for e in header["entries"]}
    words: dict[str, np.ndarray] = {}
    for kind, word in WORDS.items():
        mine = [key for key in kinds if kinds[key] == kind]
        later = [key for key in mine if key.startswith("members.") and not key.startswith("members.0.")]
        for keys in ([key for key in mine if key not in later], later):
            bytes_of = np.stack([next(planes) for _ in range(np.dtype(word).itemsize)], 1)
            numbers = np.ascontiguousarray(bytes_of).view(word).ravel()
            for key in keys:
                count = int(np.prod(shapes[key]))
                told, numbers = numbers[:count], numbers[count:]
                expected = _expected(key, kind, words, shapes) if keys is later else np.zeros(count, word)
                words[key] = told + expected  # unsigned: it wraps
            assert numbers.size == 0
    assert next(planes, None) is None
    return {key: words[key].view(kinds[key]).reshape(shapes[key]) for key in kinds}


def _expected(key: str, kind: str, words: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> np.ndarray:
    _, number, name = key.split(".", 2)
    if kind != "int8":
        return words[f"members.0.{name}"]
    earlier = [f"members.{n}.{name}" for n in range(int(number))]
    mean = sum(words[k].view(np.int8) * _worth(k, words, shapes) for k in earlier) / len(earlier)
    own = _worth(key, words, shapes)
    return np.clip(np.rint(mean / np.where(own > 0, own, 1)), -127, 127).astype(np.int8).view(np.uint8)


def _worth(key: str, words: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> np.ndarray:
    """Of each integer: one float16 scale for 64 of a flat row, or one float32 scale for an output channel."""
    flat = len(shapes[key]) == 1
    scale = words[key + ".scale"].view("<f2" if flat else "<f4").astype(np.float64)
    count = int(np.prod(shapes[key]))
    return np.repeat(scale, 64)[:count] if flat else np.repeat(scale, count // scale.size)


def first_form(path: Path) -> dict[str, np.ndarray]:
    """What a file of integers by groups would hold in the first form: each of those tensors a deflated stream."""
    found = opened(path)
    for key, value in found.items():
        if value.dtype == np.int8 and value.ndim == 1:
            coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
            found[key] = np.frombuffer(coder.compress(value.tobytes()) + coder.flush(), np.uint8)
    return found
