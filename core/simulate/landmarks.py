"""Body landmarks of a coronal PET projection, found in the projection itself: silhouette, brain, bladder, scale."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import ContractError
from core.simulate.fields import Array

TRUNK_MM = 750.0  # skull's base to the bladder's centre in an adult
HEAD_MM = 134.0  # top of the head to the skull's base


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Where things are, in pixels.

    Attributes:
        silhouette: bool ``(h, w)``, the whole body.
        trunk: bool ``(h, w)``, the silhouette between the skull's base and the bladder.
        left, right: for each row, the trunk's edges without arms.
        skull_base: row of the brain's lower edge.
        bladder_row, bladder_column, bladder_bottom: the bladder's centre and lower edge.
        step: estimated millimetres per pixel.
    """

    silhouette: Array
    trunk: Array
    left: Array
    right: Array
    skull_base: float
    bladder_row: float
    bladder_column: float
    bladder_bottom: float
    step: float

    def row(self, along: float) -> float:
        """Row at a fraction of the way from the skull's base (0) to the bladder (1)."""
        return self.skull_base + along * (self.bladder_row - self.skull_base)

    def column(self, row: float, aside: float) -> float:
        """Column at a fraction of the trunk's half width (-1 left edge of the image's trunk .. 1 right edge)."""
        k = int(np.clip(round(row), 0, len(self.left) - 1))
        return float((self.left[k] + self.right[k]) / 2.0 + aside * (self.right[k] - self.left[k]) / 2.0)


def find_landmarks(uptake: Array) -> Landmarks:
    """Find the landmarks of an arms-up coronal projection.

    Args:
        uptake: ``(h, w)``, 0 for none, 1 for the darkest shown (about SUV 5 to 7).

    Raises:
        ContractError: no body, or no bladder below a trunk, can be told apart.
    """
    remedy = "Use a whole-body coronal PET projection with head at the top and the pelvis in view."
    smooth = cv2.GaussianBlur(uptake.astype(np.float32), (0, 0), 3.0)
    silhouette = smooth > 0.03
    count, labels, stats, _ = cv2.connectedComponentsWithStats(silhouette.astype(np.uint8))
    if count < 2:
        raise ContractError("No body was found in the projection.", remedy)
    silhouette = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    height, width = silhouette.shape
    if not 0.08 < float(silhouette.mean()) < 0.85:
        raise ContractError("The silhouette does not look like a whole body.", remedy)
    middle = float(np.average(np.arange(width), weights=silhouette.sum(axis=0)))
    hot = cv2.GaussianBlur(uptake.astype(np.float32), (0, 0), 1.5) > 0.72
    count, labels, stats, centres = cv2.connectedComponentsWithStats(hot.astype(np.uint8))
    area = stats[:, cv2.CC_STAT_AREA]
    near = np.abs(centres[:, 0] - middle) < 0.08 * width
    size = 0.00035 * width * width
    order = [k for k in range(1, count) if near[k] and area[k] > size]
    brains = [k for k in order if stats[k, cv2.CC_STAT_TOP] < 0.2 * height and centres[k, 1] < 0.25 * height]
    brain = max(brains, key=lambda k: int(area[k]), default=None)
    skull_base = float(stats[brain, cv2.CC_STAT_TOP] + stats[brain, cv2.CC_STAT_HEIGHT]) if brain is not None else 0.0
    # The bladder is the hot spot on the midline about one trunk's length below the brain.
    typical = 2.04 * 400.0 / width
    expected = skull_base + TRUNK_MM / typical
    lower = [k for k in order if abs(centres[k, 1] - expected) < 0.24 * TRUNK_MM / typical and k != brain]
    if not lower:
        raise ContractError("No bladder was found below the trunk.", remedy)
    bladder = max(lower, key=lambda k: float(area[k]) * (1.0 - abs(centres[k, 1] - expected) * typical / TRUNK_MM))
    row, column = float(centres[bladder, 1]), float(centres[bladder, 0])
    step = TRUNK_MM / max(row - skull_base, 1.0) if brain is not None else typical
    left, right = _trunk_edges(silhouette, middle, skull_base, row)
    rows = np.arange(height)
    columns = np.arange(width)
    trunk = silhouette & ((rows > skull_base) & (rows < row))[:, None]
    trunk &= (columns[None] > left[:, None]) & (columns[None] < right[:, None])
    if int(trunk.sum()) < 400:
        raise ContractError("The trunk could not be told apart.", remedy)
    bottom = float(stats[bladder, cv2.CC_STAT_TOP] + stats[bladder, cv2.CC_STAT_HEIGHT])
    return Landmarks(silhouette, trunk, left, right, skull_base, row, column, bottom, float(np.clip(step, 1.2, 3.2)))


def _trunk_edges(silhouette: Array, middle: float, top: float, bottom: float) -> tuple[Array, Array]:
    """Edges of the run of silhouette around the midline, held to the trunk's usual width so that arms do not count."""
    height, width = silhouette.shape
    left, right = np.full(height, middle), np.full(height, middle)
    for row in range(height):
        line = silhouette[row]
        k = round(middle)
        if not line[k]:
            filled = np.flatnonzero(line)
            if not filled.size:
                continue
            k = int(filled[np.argmin(np.abs(filled - k))])
        before, after = np.flatnonzero(~line[:k]), np.flatnonzero(~line[k:])
        left[row] = before[-1] + 1 if before.size else 0
        right[row] = k + after[0] - 1 if after.size else width - 1
    first, last = int(top + 0.45 * (bottom - top)), max(int(top + 0.75 * (bottom - top)), int(top) + 2)
    half = float(np.median((right - left)[first:last])) / 2.0
    limit = max(1.04 * half, 10.0)
    return np.maximum(left, middle - limit), np.minimum(right, middle + limit)
