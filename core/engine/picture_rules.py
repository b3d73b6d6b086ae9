"""What a picture's grey levels alone tell: a document, writing burnt into it, a mask, noise, a scan cut to pieces."""

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
TILES = range(2, 9)  # a side
BESIDE = 8  # rows or columns on each side whose usual jump is compared
MOST_LINES = 0.75  # of a grid's lines that must stand out: a line between two black tiles does not
FAINT = 0.3  # grey levels
# Jump across the lines of a grid over that beside them, from which on an image is put together from pieces. The most of
# 1,800 scans of the real sets is 2.2; of scans that were cut into tiles and shuffled nine in ten are above.
SEAM = 2.4
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


def seam(plane: np.ndarray) -> float:
    """How much grey levels jump across the lines of an even grid, over the usual jump beside them, for the worst grid.

    About 1 for an image in one piece; high where tiles of equal size were put together: a scan cut up and shuffled, or
    a montage.
    """
    grey = grey_levels(plane).astype(np.float32)
    profiles = [np.abs(np.diff(grey, axis=1)).mean(0), np.abs(np.diff(grey, axis=0)).mean(1)]
    worst = 0.0
    for tiles in TILES:
        found = [_line(p, round((len(p) + 1) * k / tiles) - 1) for p in profiles for k in range(1, tiles)]
        lowest = np.sort(found)[: int(np.ceil(MOST_LINES * len(found)))]
        worst = max(worst, float(np.exp(np.log(lowest).mean())))
    return worst


def _line(profile: np.ndarray, at: int) -> float:
    """Jump at one line over the median around it; tiles need not end on a pixel, and resizing smears over two."""
    beside = np.sort(profile[max(at - BESIDE, 0) : at + BESIDE + 1])  # np.median takes ten times as long for so few
    around = (beside[(len(beside) - 1) // 2] + beside[len(beside) // 2]) / 2
    return float((profile[max(at - 1, 0) : at + 2].max() + FAINT) / (around + FAINT))


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
