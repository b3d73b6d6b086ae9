"""Size of a mask, in millimetres where the spacing is known and in pixels, said so, where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.imaging.study import Series


@dataclass(frozen=True)
class Measurement:
    """A size with its unit and the words for a page."""

    value: float
    unit: str
    text: str


def area_mm2(mask: np.ndarray, series: Series) -> Measurement:
    """Area of a mask ``(height, width)`` on one slice: pixels times row spacing times column spacing."""
    pixels = int(np.count_nonzero(mask))
    if series.spacing is None:
        return Measurement(pixels, "pixels", f"{pixels:,} pixels (spacing unknown)")
    area = pixels * series.spacing[1] * series.spacing[2]
    return Measurement(area, "mm²", f"{area:,.0f} mm² ({area / 100:.1f} cm²)")


def volume_ml(mask: np.ndarray, series: Series) -> Measurement:
    """Volume of a mask ``(slices, height, width)``: voxels times the distance between slices and the pixel's sides.

    In pixels where the slices have no one distance (a gap, two distances, positions unknown): what lies between them is
    not known, and any figure would claim that it is.
    """
    voxels = int(np.count_nonzero(mask))
    if series.spacing is None or series.slices < 2 or series.uneven:
        why = "spacing unknown" if series.spacing is None else series.uneven or "a single slice has no volume"
        return Measurement(voxels, "pixels", f"{voxels:,} pixels in all slices ({why})")
    volume = voxels * float(np.prod(series.spacing)) / 1000
    return Measurement(volume, "ml", f"{volume:,.1f} ml")
