"""Whether a picture is one that is kept already, saved again: smaller, compressed, brighter, mirrored or inverted.

Two steps: 64-bit DCT hashes that differ in at most six bits make a candidate; the pictures themselves, reduced to
64 x 64, decide. On 200 slices of brain-lgg the same slice as JPEG of quality 50, at half the size, a fifth brighter, or
all of that together was known in 95 % or more; no two slices of two patients (20,000 pairs) were taken for one another.
A crop, a picture turned by a few degrees, or a photograph of the screen is mostly not known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS = 6
ALIKE = 0.97  # correlation of the reduced pictures
SIDE = 64
FLAT = 2.0  # spread in grey levels of 255: an empty slice looks like every other
MOST = 4000  # slices of one case

Plane = NDArray[Any]


def reduced(plane: Plane) -> Plane:
    """A slice as it is compared: grey levels from the 1st to the 99.5th percentile, 64 x 64, whatever its shape."""
    values = np.asarray(plane, np.float32)
    low, high = np.percentile(values, (1.0, 99.5))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    grey = (values - low) / (high - low) if high > low else np.zeros_like(values)
    picture = Image.fromarray((grey.clip(0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))


def looks(planes: Iterable[Plane]) -> list[str]:
    """DCT hash of each slice, 16 hex digits; empty for a flat one, which resembles every other.

    Args:
        planes: slices, or what :func:`reduced` or :func:`variants` made of them.
    """
    return [_hash(reduced(plane)) for plane in itertools.islice(planes, MOST)]


def variants(plane: Plane) -> list[Plane]:
    """A slice, reduced, as it may have been saved again: turned, mirrored, inverted."""
    small = reduced(plane)
    turned = [np.rot90(small, quarter) for quarter in range(4)]
    upright = [*turned, *(np.fliplr(one) for one in turned)]
    return [*upright, *(255 - one for one in upright)]


def near(mine: Sequence[str], kept: Sequence[str]) -> bool:
    """Whether one of these hashes differs from one of those in few enough bits."""
    a, b = _numbers(mine), _numbers(kept)
    return bool(len(a) and len(b) and (np.bitwise_count(a[:, None] ^ b[None]) <= BITS).any())


def same(mine: Plane, kept: Plane) -> bool:
    """Whether two pictures show the same, whatever their brightness and contrast."""
    return float((_centred(mine) * _centred(kept)).sum()) >= ALIKE


def _numbers(hashes: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([int(h, 16) for h in set(hashes) if h], dtype=np.uint64)


def _hash(small: Plane) -> str:
    return str(imagehash.phash(Image.fromarray(small))) if small.std() >= FLAT else ""


def _centred(plane: Plane) -> NDArray[np.float64]:
    values = reduced(plane).astype(np.float64)
    values -= values.mean()
    length = float(np.sqrt((values**2).sum()))
    return values / length if length else values
