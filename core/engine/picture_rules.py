"""What a picture's grey levels alone tell: a document, writing burnt into it, a mask instead of a scan."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

LINE = 5  # signs in a row that make a line of writing
LINES = 4  # lines that make a document
MOST_SIGNS = 2000
LONGEST = 5.0  # longer side over shorter: no scan is that narrow
BINS = 16
REST = 0.005  # share of pixels outside the two commonest grey levels below which a picture is a mask


def grey_levels(plane: np.ndarray) -> np.ndarray:
    """``(height, width)`` scaled to uint8 over its own range."""
    low, high = float(plane.min()), float(plane.max())
    return np.asarray((plane - low) / max(high - low, 1e-6) * 255, dtype=np.float32).round().astype(np.uint8)


def is_mask(plane: np.ndarray) -> bool:
    """Whether nearly all pixels have one of two grey levels, also after a lossy picture format blurred the edges."""
    counts = np.bincount((grey_levels(plane) // (256 // BINS)).ravel(), minlength=BINS)
    return bool(counts.sum() - np.sort(counts)[-2:].sum() < REST * counts.sum())


def lines_of_writing(plane: np.ndarray) -> int:
    """Number of lines of writing: rows of small, equally high, sharply bright or dark signs."""
    grey = grey_levels(plane)
    return max(_lines(grey >= 235), _lines(grey <= 20))


def _lines(ink: np.ndarray) -> int:
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    if count > MOST_SIGNS:
        return 0  # noise, not writing
    signs = [tuple(int(v) for v in row) for row in stats[1:] if _is_sign(row)]
    lines = 0
    while signs:
        _, top, _, height, _ = signs[0]
        near = [s for s in signs if abs(s[1] + s[3] / 2 - top - height / 2) < 0.6 * height]
        alike = sorted(s for s in near if 0.6 * height <= s[3] <= 1.7 * height)
        if _longest_run(alike, height) >= LINE:
            lines += 1
        taken = set(alike)
        signs = [s for s in signs if s not in taken]
    return lines


def _is_sign(row: np.ndarray) -> bool:
    width, height, area = int(row[2]), int(row[3]), int(row[4])
    return 5 <= height <= 48 and 1 <= width <= 2 * height and area >= 0.12 * width * height and area >= 5


def _longest_run(signs: list[tuple[int, ...]], height: int) -> int:
    """Most signs in a row with no gap wider than two heights."""
    best = run = 1 if signs else 0
    for before, after in pairwise(signs):
        run = run + 1 if after[0] - before[0] - before[2] <= 2 * height else 1
        best = max(best, run)
    return best
