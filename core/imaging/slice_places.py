"""Where the slices of a stack lie along its normal: which images share a place, and how far the places lie apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

SAME_PLACE_MM = 0.01
_MOST_JITTER_MM = 0.25
_JITTER_OF_THICKNESS = 0.1
_JITTER_UNKNOWN_MM = 0.05
_CLEAR_OF_JITTER = 4.0  # places lie so many times farther apart than the images of one place
_EVEN = 0.07  # of the distance: so far a slice may lie from its place in an even stack
_ROUNDING_MM = 0.06  # positions written to a tenth of a millimetre
_GRAINS_MM = (1.0, 0.5, 0.25, 0.2, 0.1)


def places_of(offsets: np.ndarray, thickness: float | None) -> np.ndarray:
    """Number of the place of every image, counted along the normal.

    Images within 0.01 mm share a place. Scanners also write one place with small differences (rounding, repeated table
    moves): images within 0.25 mm and a tenth of the thickness share one, where the places then lie clearly apart.

    Args:
        offsets: millimetres along the normal, in any order.
        thickness: slice thickness in millimetres, when known.
    """
    order = np.argsort(offsets, kind="stable")
    steps = np.diff(offsets[order])
    most = _JITTER_UNKNOWN_MM if thickness is None else min(_MOST_JITTER_MM, _JITTER_OF_THICKNESS * thickness)
    strict = steps >= SAME_PLACE_MM
    begins = strict
    small = steps[(steps >= SAME_PLACE_MM) & (steps <= most)]
    if len(small):
        loose = steps > small.max()
        if _clear(offsets[order], loose, most):
            begins = loose
    places = np.empty(len(offsets), dtype=np.intp)
    places[order] = np.concatenate([[0], np.cumsum(begins)]) if len(offsets) else []
    return places


def _clear(ordered: np.ndarray, begins: np.ndarray, most: float) -> bool:
    """Whether images of one place lie close together and places far apart."""
    starts = np.concatenate([[0], np.flatnonzero(begins) + 1])
    ends = np.concatenate([starts[1:] - 1, [len(ordered) - 1]])
    widest = float((ordered[ends] - ordered[starts]).max())
    between = ordered[starts[1:]] - ordered[ends[:-1]]
    return widest <= most and (len(between) == 0 or float(between.min()) >= _CLEAR_OF_JITTER * widest)


@dataclass(frozen=True)
class Distance:
    """The distance between slices.

    Attributes:
        millimetres: the one distance where there is one, else the usual one.
        uneven: why there is none, without a full stop; empty where there is one.
    """

    millimetres: float
    uneven: str = ""


def slice_distance(offsets: np.ndarray, declared: float | None) -> Distance | None:
    """The distance between slices that lie at ascending ``offsets``; ``None`` for fewer than two places.

    One distance means that every slice lies within 7 % of it (or the rounding of tenths of a millimetre) from its place
    in an even stack; so jitter and rounding neither scale a volume nor count as gaps.

    Args:
        offsets: millimetres along the normal, ascending.
        declared: SpacingBetweenSlices or SliceThickness in millimetres: tells positions rounded to coarse steps from
            missing slices, which may look alike.
    """
    steps = np.diff(offsets)
    if not len(steps) or offsets[-1] - offsets[0] < SAME_PLACE_MM:
        return None
    if declared is not None and is_rounded(offsets, declared):
        return Distance(declared)
    repeated = int((steps < SAME_PLACE_MM).sum())
    if repeated:
        usual = _usual(steps[steps >= SAME_PLACE_MM])
        return Distance(usual, f"{repeated + 1} images lie at a place that another one has")
    usual = _usual(steps)
    if np.abs(steps - usual).max() <= 1e-3 * usual:
        return Distance(usual)
    number = np.arange(len(offsets))
    mean, start = np.polyfit(number, offsets, 1)
    astray = float(np.abs(offsets - (start + mean * number)).max())
    if astray <= max(_EVEN * mean, min(_ROUNDING_MM, 0.2 * mean)):
        return Distance(float(mean))
    missing = np.round(steps / usual - 1).clip(0)
    on_grid = np.abs(steps / usual - np.round(steps / usual)).max() < 0.2
    if missing.sum() and on_grid:
        count = int(missing.sum())
        return Distance(
            usual, f"{count} slice{'s are' if count > 1 else ' is'} missing at a distance of {usual:.2f} mm"
        )
    return Distance(usual, f"the slice distance varies from {steps.min():.2f} to {steps.max():.2f} mm")


def _usual(steps: np.ndarray) -> float:
    """The commonest distance, to the tenth of a millimetre, the smaller of equals: gaps move it less than the mean."""
    tenths = np.round(steps, 1)
    common = min(Counter(tenths.tolist()).items(), key=lambda found: (-found[1], found[0]))[0]
    return float(np.median(steps[tenths == common]))


def is_rounded(offsets: np.ndarray, declared: float) -> bool:
    """Whether slices at the declared distance, rounded to a coarser grain, lie at these ascending offsets.

    Several may then share one. A distance that is a multiple of the grain loses nothing by rounding: what is uneven
    then is truly so.
    """
    for grain in _GRAINS_MM:
        if np.abs(offsets / grain - np.round(offsets / grain)).max() < 1e-6:
            lost = abs(declared / grain - round(declared / grain)) > 1e-3
            astray = float(np.ptp(offsets - declared * np.arange(len(offsets)))) / 2
            return lost and astray <= grain / 2 + 1e-6
    return False
