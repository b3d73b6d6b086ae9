"""Texture of one picture: edges, local binary patterns, oriented gradients, grey-level co-occurrence (scikit-image)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import feature, filters

from core.audit.fingerprint import grey_levels
from core.errors import ContractError

SMALLEST = 8  # pixels a side: below it there is no neighbourhood to speak of
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM", "entropy")
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Uniform local binary patterns (Ojala 2002).

    Attributes:
        codes: ``(H, W)`` pattern of each pixel, 0 to ``points + 1``: how many neighbours are at least as bright, or
            ``points + 1`` for a pattern with more than two changes around the circle.
        shares: ``(points + 2,)`` share of the pixels with each pattern.
    """

    codes: NDArray[np.intp]
    shares: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gradients:
    """Histogram of oriented gradients (Dalal and Triggs 2005).

    Attributes:
        picture: ``(H, W)`` in [0, 1], a star in each cell: longer where more edges run that way.
        length: numbers in the descriptor. cell: pixels a side. orientations: bins over half a turn.
    """

    picture: NDArray[np.float64]
    length: int
    cell: int
    orientations: int


@dataclass(frozen=True)
class CoOccurrence:
    """One property of the grey-level co-occurrence matrix (Haralick 1973): mean and range over four directions."""

    name: str
    mean: float
    lowest: float
    highest: float


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.ndim != 2 or min(pixels.shape) < SMALLEST:
        raise ContractError(
            f"A picture of {' x '.join(map(str, pixels.shape[::-1]))} pixels has no texture to measure.",
            f"Choose one with at least {SMALLEST} pixels a side.",
        )
    return grey_levels(pixels)


def sobel(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Strength of the edges, ``(H, W)`` in [0, 1], 1 at the strongest; 0 everywhere on a flat picture."""
    edges = np.asarray(filters.sobel(_checked(pixels).astype(np.float64)))
    top = float(edges.max())
    return edges / top if top > 0 else edges


def local_binary_patterns(pixels: NDArray[Any], points: int = 8, radius: float = 1.0) -> Patterns:
    """Uniform patterns of ``points`` neighbours on a circle of ``radius`` pixels."""
    codes = feature.local_binary_pattern(_checked(pixels), points, radius, method="uniform").astype(np.intp)
    return Patterns(codes, np.bincount(codes.ravel(), minlength=points + 2) / codes.size)


def oriented_gradients(pixels: NDArray[Any], orientations: int = 8) -> Gradients:
    """Oriented gradients in cells of an eighth to a sixteenth of the shorter side, normalised in blocks of 2 x 2."""
    grey = _checked(pixels)
    cell = int(np.clip(min(grey.shape) // 16, 4, 32))
    block = 2 if min(grey.shape) >= 2 * cell else 1
    vector, picture = feature.hog(
        grey,
        orientations=orientations,
        pixels_per_cell=(cell, cell),
        cells_per_block=(block, block),
        visualize=True,
    )
    top = float(picture.max())
    return Gradients(picture / top if top > 0 else picture, len(vector), cell, orientations)


def co_occurrence(pixels: NDArray[Any], levels: int = 32, distance: int = 1) -> tuple[CoOccurrence, ...]:
    """Properties of the co-occurrence matrix of ``levels`` grey levels, ``distance`` pixels apart.

    Energy is the root of ASM; entropy is in bits. On a flat picture correlation is 1 by scikit-image's convention.
    """
    coarse = (_checked(pixels).astype(np.int64) * levels // 256).astype(np.uint8)
    matrix = feature.graycomatrix(coarse, [distance], ANGLES, levels=levels, symmetric=True, normed=True)
    found = []
    for name in PROPERTIES:
        values = np.asarray(feature.graycoprops(matrix, name))[0]
        if name == "entropy":
            values = values / np.log(2)  # scikit-image gives nats
        found.append(CoOccurrence(name, float(values.mean()), float(values.min()), float(values.max())))
    return tuple(found)
