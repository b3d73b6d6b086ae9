"""Memory of decoded pixels: planes that go back to the system one by one, and the stack that takes them over.

A series is made of images that are decoded one after the other. Kept beside the finished stack they would double what
an upload costs, so the stack takes them over one by one, and each is let go as soon as it has been copied.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np

# below it many mappings would cost more than they save; the allocator keeps small pieces for the next image anyway
_LEAST_BYTES = 64 * 1024
_OWN: dict[str, Any] = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


def plane(values: np.ndarray, kind: type[np.generic] = np.float32) -> np.ndarray:
    """A copy whose memory the system gets back when the array goes, which an allocator's heap does not promise.

    Args:
        values: of any shape; numbers beyond ``kind`` become infinite without a warning.
    """
    out = room(values.shape, kind)
    with np.errstate(over="ignore"):
        out[...] = values
    return out


def room(shape: tuple[int, ...], kind: type[np.generic] = np.float32) -> np.ndarray:
    """An array for a plane, of nothing in particular."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size < _LEAST_BYTES:
        return np.empty(shape, kind)
    return np.frombuffer(mmap.mmap(-1, size, **_OWN), kind).reshape(shape)


def take_over(holders: Sequence[Any], name: str = "pixels") -> np.ndarray:
    """Planes ``(height, width)`` or stacks ``(slices, height, width)`` of several holders as one stack.

    Every holder is left with a view of its part of the stack: what it held itself is free at once.

    Args:
        holders: at least one, with images of one size. name: of the attribute that is taken; where it is ``None`` the
            part is empty, of the size of the holder's ``pixels``.
    """
    first = next(held for holder in holders if (held := getattr(holder, name)) is not None)
    if len(holders) == 1:
        return np.asarray(first if first.ndim == 3 else first[None])
    sizes = [1 if holder.pixels.ndim == 2 else len(holder.pixels) for holder in holders]
    out = np.zeros((sum(sizes), *first.shape[-2:]), first.dtype)
    at = 0
    for holder, size in zip(holders, sizes, strict=True):
        held, part = getattr(holder, name), out[at : at + size]
        if held is not None:
            part[...] = held
            setattr(holder, name, part if held.ndim == 3 else part[0])
        del held  # or it would live until the next is fetched
        at += size
    return out
