"""Slices as networks are given them, each prepared once for all models that look at it and for their heat maps."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from core.imaging.study import Series
from core.preprocessing.contract import InputContract
from core.preprocessing.geometry import Fit

MOST_BYTES = 16 * 2**20  # some three sizes of a series of 24 slices, once for all sessions
Key = tuple[int, int, InputContract]


@dataclass(frozen=True, eq=False)
class Fitted:
    """One slice, scaled and fitted.

    Attributes:
        values: float32 ``(contract.height, contract.width)``, read-only. finite: whether all of them are numbers.
        fit: where the slice lies in it.
    """

    values: np.ndarray
    finite: bool
    fit: Fit


class Planes:
    """The slices prepared last, by the very series (whose pixels nobody changes), slice and contract. For any thread.

    Args:
        most: bytes; what was asked for longest ago goes first.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._size = most, 0
        self._held: OrderedDict[Key, tuple[weakref.ref[Series], Fitted]] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, series: Series, index: int, contract: InputContract) -> Fitted | None:
        """What was kept; ``None`` where nothing is."""
        key = (id(series), index, contract)
        with self._turn:
            found = self._held.get(key)
            if found is None or found[0]() is not series:  # another one's number, used again
                return None
            self._held.move_to_end(key)
            return found[1]

    def keep(self, series: Series, index: int, contract: InputContract, fitted: Fitted) -> None:
        """Keep a slice."""
        fitted.values.flags.writeable = False
        key = (id(series), index, contract)
        with self._turn:
            self._drop(key)
            self._held[key] = weakref.ref(series), fitted
            self._size += fitted.values.nbytes
            while len(self._held) > 1 and self._size > self._most:
                self._drop(next(iter(self._held)))

    def _drop(self, key: Key) -> None:
        gone = self._held.pop(key, None)
        if gone is not None:
            self._size -= gone[1].values.nbytes
