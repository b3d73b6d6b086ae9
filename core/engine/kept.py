"""The feature maps that a model's last answers rest on, kept for the heat maps that are asked for next."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch

from core.models.output import Trace

MOST_BYTES = 8 * 2**20  # of one model: a whole series of small taps, or the last slices of a U-Net's large maps


class Kept:
    """See the module docstring. Used under the model's lock. Maps are found by the very tensor that went in.

    Args:
        most: bytes; what was asked for longest ago goes first.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: OrderedDict[bytes, Trace] = OrderedDict()

    def keep(self, x: torch.Tensor, trace: Trace) -> None:
        """Keep what the answer about an image ``x`` left; copies, out of inference mode."""
        place = _digest(x)
        with torch.inference_mode(False):
            self._held[place] = trace.each(torch.clone)
        self._held.move_to_end(place)
        while len(self._held) > 1 and self.size > self._most:
            self._held.popitem(last=False)

    def of(self, x: torch.Tensor) -> Trace | None:
        """What the answer about an image left; ``None`` where it is not kept."""
        place = _digest(x)
        if place in self._held:
            self._held.move_to_end(place)
        return self._held.get(place)

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(trace.nbytes for trace in self._held.values())


def _digest(x: torch.Tensor) -> bytes:
    return hashlib.blake2b(repr(tuple(x.shape)).encode() + x.numpy(force=True).tobytes(), digest_size=20).digest()
