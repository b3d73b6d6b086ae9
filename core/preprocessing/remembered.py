"""What was found in a picture is found once: all models of a system, and their heat maps, look at the same slices."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")
MOST = 32  # pictures: a reader's slice and its neighbours
MOST_BYTES = 8 * 2**20  # of answers that are arrays: as many masks of 512 x 512 pixels; larger ones are found anew


def once_a_picture(
    function: Callable[Concatenate[np.ndarray, P], T],
) -> Callable[Concatenate[np.ndarray, P], T]:
    """Keep the answers of a function of a picture, by the picture's content; what was asked for longest ago goes first.

    Arrays among the answers are read-only, since all who ask get the same one.
    """
    held: OrderedDict[tuple[object, ...], T] = OrderedDict()
    turn = threading.Lock()

    @functools.wraps(function)
    def asked(picture: np.ndarray, *args: P.args, **kwargs: P.kwargs) -> T:
        content = hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=20).digest()
        key = (picture.shape, picture.dtype.str, content, args, tuple(sorted(kwargs.items())))
        with turn:
            if key in held:
                held.move_to_end(key)
                return held[key]
        answer = function(picture, *args, **kwargs)
        if isinstance(answer, np.ndarray):
            answer.flags.writeable = False
            if answer.nbytes > MOST_BYTES:
                return answer
        with turn:
            held[key] = answer
            while len(held) > MOST or sum(map(_size, held.values())) > MOST_BYTES:
                held.popitem(last=False)
        return answer

    return asked


def _size(answer: object) -> int:
    return answer.nbytes if isinstance(answer, np.ndarray) else 0
