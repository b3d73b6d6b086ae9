"""Groups of look-alikes, for sets whose publisher names no patient."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SIDE = 24
_BLOCK = 512


def groups_of(planes: Sequence[np.ndarray], least: float = 0.95) -> list[int]:
    """Join pictures whose thumbnails correlate above ``least``, plain or mirrored left to right.

    Args:
        planes: uint8 ``(height, width)``, of any sizes.
        least: the correlation of the 24 x 24 thumbnails above which two pictures belong together.

    Returns:
        number of the group of every picture, from 0 in order of first appearance. Joining is transitive.
    """
    if not planes:
        return []
    small = np.stack([cv2.resize(p.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for p in planes])
    plain, mirrored = _normed(small), _normed(small[:, :, ::-1])
    above = list(range(len(planes)))

    def top(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for start in range(0, len(planes), _BLOCK):
        block = plain[start : start + _BLOCK]
        alike = (block @ plain.T > least) | (block @ mirrored.T > least)
        for row, other in zip(*np.nonzero(alike), strict=True):
            one, two = top(start + int(row)), top(int(other))
            above[max(one, two)] = min(one, two)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(top(one), len(numbers)) for one in range(len(planes))]


def _normed(small: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1; a picture without contrast is like nothing."""
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-3)
