"""The feature maps that a model's last answers rest on, kept for the heat maps that are asked for next."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from core.models.output import Trace

MOST_BYTES = 14 * 2**20  # of one model: a series of 24 slices, of the U-Net that leaves most


@dataclass(frozen=True, eq=False)
class _Packed:
    """A trace whose gates are bits: they are most of it."""

    trace: Trace
    shapes: tuple[torch.Size, ...]

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """A copy, packed."""
        bits = tuple(torch.from_numpy(np.packbits(one.numpy(force=True))) for one in trace.gates)
        rest = replace(trace, gates=()).each(torch.clone)
        return cls(replace(rest, gates=bits), tuple(one.shape for one in trace.gates))

    def opened(self) -> Trace:
        """The trace as it was."""
        gates = [
            torch.from_numpy(np.unpackbits(bits.numpy(), count=shape.numel()).view(bool)).reshape(shape)
            for bits, shape in zip(self.trace.gates, self.shapes, strict=True)
        ]
        return replace(self.trace, gates=tuple(gates))


class Kept:
    """See the module docstring. Used under the model's lock. Maps are found by the very tensor that went in.

    Args:
        most: bytes; what was asked for longest ago goes first.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: OrderedDict[bytes, _Packed] = OrderedDict()
        self._size = 0

    def keep(self, x: torch.Tensor, trace: Trace) -> None:
        """Keep what the answer about an image ``x`` left; copies, out of inference mode."""
        place = _digest(x)
        before = self._held.pop(place, None)
        with torch.inference_mode(False):
            held = self._held[place] = _Packed.of(trace)
        self._size += held.trace.nbytes - (0 if before is None else before.trace.nbytes)
        while len(self._held) > 1 and self._size > self._most:
            self._size -= self._held.popitem(last=False)[1].trace.nbytes

    def of(self, x: torch.Tensor) -> Trace | None:
        """What the answer about an image left; ``None`` where it is not kept."""
        place = _digest(x)
        if place in self._held:
            self._held.move_to_end(place)
        held = self._held.get(place)
        return None if held is None else held.opened()

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size


def _digest(x: torch.Tensor) -> bytes:
    return hashlib.blake2b(repr(tuple(x.shape)).encode() + x.numpy(force=True).tobytes(), digest_size=20).digest()
