"""What an answer is worth: a proper score of the confidence, and the place of marks and outlines against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon2mask

from core.review.tables import QuizAnswer, QuizItem
from core.statistics.segmentation import dice

TOLERANCE_MM = 5.0  # a mark this near to a lesion's edge is on it: a finger is no needle
TOLERANCE_SHARE = 0.02  # of the picture's diagonal, where the size of a pixel is not known
Mask = NDArray[np.bool_]


def probability(finding: bool, confidence: int) -> float:
    """Probability of a finding that an answer states: confidence 50 to 100 % in "finding" or in "clear".

    >>> probability(True, 80), round(probability(False, 80), 2)
    (0.8, 0.2)
    """
    sure = confidence / 100
    return sure if finding else 1 - sure


def points(finding: bool | None, confidence: int | None, truth: bool) -> float:
    """Quadratic score ``100 (1 - (p - y)^2)`` (Brier 1950): proper, so that honest confidence scores best.

    Returns:
        100 for certain and right, 75 for a guess, 0 for certain and wrong, or for no answer.

    >>> points(True, 100, True), points(True, 50, False), points(False, 100, True)
    (100.0, 75.0, 0.0)
    """
    if finding is None or confidence is None:
        return 0.0
    return 100.0 * (1.0 - (probability(finding, confidence) - float(truth)) ** 2)


def right(answer: QuizAnswer, item: QuizItem) -> bool:
    """Whether an answer came in time and says of finding, and of the class where one is known, what is true."""
    named = item.label is None or answer.label in (None, item.label)
    return answer.finding is item.finding and named and not answer.late


@dataclass(frozen=True)
class Place:
    """Where marks and outlines lie.

    Attributes:
        found: a mark is on a lesion; ``None`` where there is no lesion or nothing was marked.
        distance: from the nearest mark to the middle of the lesion nearest to it, in ``unit``; ``None`` likewise.
        unit: ``mm``, or ``px`` where the size of a pixel is not known.
        false_marks: marks that are on no lesion.
        dice: of the outline, over the slices that were outlined; ``None`` without an outline or without a truth.
    """

    found: bool | None = None
    distance: float | None = None
    unit: str = "mm"
    false_marks: int = 0
    dice: float | None = None


def place(
    marks: Sequence[Mapping[str, Any]],
    outline: Sequence[Mapping[str, Any]],
    truth: Mask | None,
    spacing: tuple[float, float, float] | None,
) -> Place:
    """Compare marks and outlines with the truth.

    Args:
        marks: points and boxes in image pixels from the corner of the first one; of a box its middle counts.
        outline: polygons ``{"slice": ..., "points": [[x, y], ...]}``, likewise.
        truth: bool ``(slices, height, width)``; ``None`` or empty where there is no lesion.
        spacing: mm between slices, rows, columns; ``None`` when unknown.
    """
    unit = "px" if spacing is None else "mm"
    overlap = None if truth is None or not outline else _dice(outline, truth)
    if truth is None or not truth.any():
        return Place(unit=unit, false_marks=len(marks), dice=overlap)
    if not marks:
        return Place(unit=unit, dice=overlap)
    step = np.array(spacing or (1.0, 1.0, 1.0))
    diagonal = float(np.hypot(*truth.shape[1:]))
    near = TOLERANCE_MM if spacing is not None else TOLERANCE_SHARE * diagonal
    away, hits = _measured(np.array([_middle(mark) for mark in marks]), truth, step, near)
    return Place(
        bool(hits.any()), float(away[hits].min() if hits.any() else away.min()), unit, int((~hits).sum()), overlap
    )


def _middle(mark: Mapping[str, Any]) -> tuple[float, float, float]:
    """Slice, row and column of a mark in pixel centres."""
    across, down = float(mark.get("width", 0.0)), float(mark.get("height", 0.0))
    return float(mark["slice"]), mark["y"] + down / 2 - 0.5, mark["x"] + across / 2 - 0.5


def _measured(
    at: NDArray[np.float64], truth: Mask, step: NDArray[np.float64], near: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Distance of each mark to the middle of its nearest lesion, and whether it is on it."""
    parts, count = ndimage.label(truth, structure=np.ones((3, 3, 3)))
    edges = np.full((len(at), count), np.inf)
    middles = np.zeros((len(at), count))
    for k in range(count):
        voxels = np.argwhere(parts == k + 1)
        for m, mark in enumerate(at):
            # The nearest point of the nearest voxel, which is as wide as the step; slices are as thick as theirs.
            gap = np.maximum(np.abs(voxels - mark) - 0.5, 0.0) * step
            edges[m, k] = float(np.sqrt((gap**2).sum(axis=1)).min())
            middles[m, k] = float(np.linalg.norm((voxels.mean(axis=0) - mark) * step))
    nearest = edges.argmin(axis=1)
    rows = np.arange(len(at))
    return middles[rows, nearest], edges[rows, nearest] <= near


def _dice(outline: Sequence[Mapping[str, Any]], truth: Mask) -> float:
    drawn = np.zeros_like(truth)
    for one in outline:
        corners = np.array(one["points"], dtype=float)[:, ::-1] - 0.5
        drawn[int(one["slice"])] |= polygon2mask(truth.shape[1:], corners)
    seen = sorted({int(one["slice"]) for one in outline})
    return float(dice(drawn[seen], truth[seen]))
