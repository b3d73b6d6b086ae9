"""Where the body lies in an image: the part that a network should spend its pixels on."""

from __future__ import annotations

import cv2
import numpy as np

from core.preprocessing.remembered import once_a_picture

# Of the way from the 1st to the 99.5th percentile. Skin is hardly brighter than air on a projection, tissue on a slice
# much brighter.
PROJECTION_LEVEL = 0.04
SLICE_LEVEL = 0.15
TABLE = 0.02  # of the image's width: thinner structures (table, clothes) are no part of the body on a slice
SMALLEST_SIDE = 0.25  # of the image: a box narrower than this is no body but a single structure
MARGIN = 0.02  # of the image's side, left around the body
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two exclusive


@once_a_picture
def body_box(plane: np.ndarray, *, projection: bool = False) -> Box:
    """Box around the largest bright region of a slice or projection, with a small margin.

    Whole-body projections are up to half air, and pictures from different sources have margins of different width: cut
    off, a lesion keeps more of its pixels and has the same scale everywhere.

    Args:
        plane: float ``(height, width)``, air darkest.
        projection: a whole-body projection of uptake, not a slice.

    Returns:
        The box; the whole image where no plausible body is found.
    """
    height, width = plane.shape
    whole = (0, 0, height, width)
    low, high = np.percentile(plane, (1, 99.5))
    if not high > low:
        return whole
    smooth = cv2.blur(plane.astype(np.float32, copy=False), (5, 5))
    level = PROJECTION_LEVEL if projection else SLICE_LEVEL
    bright = (smooth > low + level * (high - low)).astype(np.uint8)
    if not projection:
        side = 2 * round(TABLE * width / 2) + 1
        bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    if count < 2:
        return whole
    left, top, across, down = (int(v) for v in stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())][:4])
    if across < SMALLEST_SIDE * width or down < SMALLEST_SIDE * height:
        return whole
    aside, above = round(MARGIN * width), round(MARGIN * height)
    return (
        max(0, top - above),
        max(0, left - aside),
        min(height, top + down + above),
        min(width, left + across + aside),
    )
