"""Histograms of grey levels: of one picture, and of each class of a set with every picture counted alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 64


@dataclass(frozen=True, eq=False)
class GreyHistogram:
    """Share of the pixels in each bin.

    Attributes:
        edges: ``(B + 1,)`` grey levels, or values in the set's unit. shares: ``(B,)``, sums to 1.
        pictures: how many it is the mean of.
    """

    edges: NDArray[np.float64]
    shares: NDArray[np.float64]
    pictures: int

    @property
    def centres(self) -> NDArray[np.float64]:
        """``(B,)`` middle of each bin."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def cumulative(self) -> NDArray[np.float64]:
        """``(B,)`` share of the pixels up to the upper edge of each bin."""
        return np.cumsum(self.shares)


def bin_edges(pictures: Sequence[NDArray[Any]], bins: int = BINS) -> NDArray[np.float64]:
    """Edges that fit all pictures: 0 to 256 for 8-bit ones, else from the least to the largest value.

    Raises:
        ValueError: no pictures.
    """
    if not pictures:
        raise ValueError("no pictures")
    if all(picture.dtype == np.uint8 for picture in pictures):
        return np.linspace(0.0, 256.0, bins + 1)
    low, high = min(float(p.min()) for p in pictures), max(float(p.max()) for p in pictures)
    return np.linspace(low, high if high > low else low + 1.0, bins + 1)


def grey_histogram(pictures: Sequence[NDArray[Any]], edges: NDArray[np.float64]) -> GreyHistogram:
    """Mean over pictures of the share of pixels in each bin; values outside the edges count in the outer bins."""
    shares = np.zeros(len(edges) - 1)
    for picture in pictures:
        inside = np.clip(picture.astype(np.float64), edges[0], np.nextafter(edges[-1], edges[0]))
        shares += np.histogram(inside, edges)[0] / picture.size
    return GreyHistogram(edges, shares / max(len(pictures), 1), len(pictures))
