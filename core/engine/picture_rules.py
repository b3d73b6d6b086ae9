"""What a picture's grey levels alone tell: a document, writing burnt into it, a mask instead of a scan."""

from __future__ import annotations

import cv2
import numpy as np

LINE = 6  # signs in a row that make a line of writing
LINES = 4  # lines that make a document
FEW = 2  # lines worth a word: a single one may be vessels in a row
AROUND, CONTRAST = 31, 35  # pixels of the neighbourhood, and grey levels a sign differs from it
MOST_SIGNS = 2000
HEIGHTS = ((5, 9), (8, 14), (13, 23), (22, 49))  # of signs, in pixels; the bands overlap
LONGEST = 5.0  # longer side over shorter: no scan is that narrow
BINS = 16
ALIKE = 0.25  # correlation of neighbouring pixels below which there is only noise; in the real sets it is above 0.4
REST = 0.005  # share of pixels outside the two commonest grey levels below which a picture is a mask


def grey_levels(plane: np.ndarray) -> np.ndarray:
    """``(height, width)`` scaled to uint8 over its own range."""
    low, high = float(plane.min()), float(plane.max())
    return np.asarray((plane - low) / max(high - low, 1e-6) * 255, dtype=np.float32).round().astype(np.uint8)


def is_mask(plane: np.ndarray) -> bool:
    """Whether nearly all pixels have one of two grey levels, also after a lossy picture format blurred the edges."""
    counts = np.bincount((grey_levels(plane) // (256 // BINS)).ravel(), minlength=BINS)
    return bool(counts.sum() - np.sort(counts)[-2:].sum() < REST * counts.sum())


def is_noise(plane: np.ndarray) -> bool:
    """Whether neighbouring pixels have next to nothing in common, in either direction."""
    grey = plane.astype(np.float64)
    along = [(grey[:, 1:], grey[:, :-1]), (grey[1:], grey[:-1])]
    return all(abs(_correlation(a, b)) < ALIKE for a, b in along)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0


def lines_of_writing(plane: np.ndarray) -> int:
    """Number of lines of writing: rows of small, equally high signs that stand out from what surrounds them."""
    grey = grey_levels(plane)
    # Against the neighbourhood, not against one level: photographed pages are not evenly lit.
    how = (1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, AROUND, CONTRAST)
    return max(_lines(cv2.adaptiveThreshold(side, *how) > 0) for side in (grey, 255 - grey))


def _lines(ink: np.ndarray) -> int:
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    if count > MOST_SIGNS:
        return 0  # noise, not writing
    left, top, width, height, area = np.asarray(stats[1:], dtype=np.int64).T
    sign = (width <= 2 * height) & (area >= 0.12 * width * height) & (area >= 5)
    most = 0
    for low, high in HEIGHTS:
        of = sign & (height >= low) & (height < high)
        most = max(most, _rows(left[of], width[of], (top + height / 2)[of], low, high))
    return most


def _rows(left: np.ndarray, width: np.ndarray, centre: np.ndarray, low: int, high: int) -> int:
    """Rows of at least ``LINE`` signs of about one height, clear of the rows above and below."""
    order = np.argsort(centre)
    rows = np.split(order, np.flatnonzero(np.diff(centre[order]) > 0.3 * low) + 1)
    # Signs scattered over an image run into one another and make no row, however many they are.
    clear = [row for row in rows if len(row) >= LINE and np.ptp(centre[row]) <= high]
    return sum(_longest_run(left[row], width[row], 2 * high) >= LINE for row in clear)


def _longest_run(left: np.ndarray, width: np.ndarray, gap: float) -> int:
    """Most signs one after the other with no gap wider than ``gap`` between them."""
    order = np.argsort(left)
    wide = np.flatnonzero(left[order][1:] - (left + width)[order][:-1] > gap)
    ends = np.concatenate([[-1], wide, [len(order) - 1]])
    return int(np.diff(ends).max())
