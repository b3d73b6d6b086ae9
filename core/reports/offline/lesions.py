"""A truth mask as a browser takes it: lesions as runs of voxels, to score a mark by, and as outlines, to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

Mask = NDArray[np.bool_]


def lesions(truth: Mask | None, step: Sequence[float]) -> list[dict[str, Any]]:
    """Every lesion of a mask: voxels that touch, as :func:`core.teaching.scoring.place` tells them apart.

    Args:
        truth: bool ``(slices, height, width)``; ``None`` where there is none.
        step: distance of neighbouring voxels along slices, rows and columns, in mm or pixels.

    Returns:
        For each its ``middle`` (slice, row, column of the centre of gravity) and its ``runs``: slice, row, first and
        last column, both within. Coordinates count from the middle of the first voxel.
    """
    if truth is None:
        return []
    if len(step) != 3:
        raise ValueError(f"step is for slices, rows and columns, got {len(step)} numbers")
    parts, count = ndimage.label(truth, structure=np.ones((3, 3, 3)))
    found = []
    for k in range(1, count + 1):
        part = parts == k
        found.append({"middle": np.argwhere(part).mean(axis=0).round(4).tolist(), "runs": runs(part)})
    return found


def runs(mask: Mask) -> list[list[int]]:
    """Rows of voxels without a gap: slice, row, first and last column.

    >>> runs(np.array([[[True, True, False, True]]]))
    [[0, 0, 0, 1], [0, 0, 3, 3]]
    """
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (0, 0), (1, 1))), axis=2)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [[int(z), int(y), int(x), int(end) - 1] for (z, y, x), (_, _, end) in zip(starts, ends, strict=True)]


def outlines(truth: Mask | None) -> list[dict[str, Any]]:
    """Closed lines around a mask, for each slice: ``points`` ``[[x, y], ...]`` in pixels from the picture's corner."""
    found: list[dict[str, Any]] = []
    for index, plane in enumerate(() if truth is None else truth):
        for line in find_contours(np.pad(plane, 1).astype(np.float64), 0.5):
            # padded by one, and half a pixel from the middle of the first one to its corner
            found.append({"slice": index, "points": (line[:, ::-1] - 0.5).round(1).tolist()})
    return found
