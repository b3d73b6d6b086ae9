"""What the client gets of a series: a manifest of facts, and every slice as numbers. No Streamlit here.

Numbers are little-endian: uint8 or int16 where every value is a whole number that fits (so nothing is lost), float32
otherwise; ``value = stored * slope + offset``. Masks are packed to bits, the first pixel in the highest bit.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.imaging.study import Modality, Series, Unit, Window
from core.imaging.turning import told
from core.preprocessing import windows

LEVEL = 1  # of gzip: a slice must be there soon, and the way is short
_PERPENDICULAR = 1e-3  # cosine between directions that still count as perpendicular
_SHORT = {Unit.HU: "HU", Unit.SUV: "SUV", Unit.BQML: "Bq/ml", Unit.GREY: "", Unit.ARBITRARY: ""}


@dataclass(frozen=True)
class Plan:
    """How the values of a series travel: numpy type, slope and offset, and the range of the values."""

    kind: str
    slope: float
    offset: float
    low: float
    high: float


def plan(pixels: np.ndarray) -> Plan:
    """The smallest type that holds every finite value of float32 ``(slices, height, width)`` exactly."""
    low, high, whole = np.inf, -np.inf, True
    for plane in pixels:
        real = plane[np.isfinite(plane)]
        if real.size:
            low, high = min(low, float(real.min())), max(high, float(real.max()))
        whole = whole and real.size == plane.size and bool((plane == np.rint(plane)).all())
    if low > high:
        return Plan("<f4", 1.0, 0.0, 0.0, 1.0)
    if whole and low >= 0 and high <= 255:
        return Plan("|u1", 1.0, 0.0, low, high)
    if whole and low >= -(2**15) and high < 2**15:
        return Plan("<i2", 1.0, 0.0, low, high)
    if whole and high - low < 2**16:
        return Plan("<i2", 1.0, low + 2**15, low, high)
    return Plan("<f4", 1.0, 0.0, low, high)


def plane_bytes(plane: np.ndarray, how: Plan) -> bytes:
    """One slice, gzipped; pixels that are no number become the lowest value (the padding names them)."""
    values = plane.astype(np.float64) if how.offset else plane
    if how.offset:
        values = values - how.offset
    if how.kind == "<f4":
        values = np.nan_to_num(values, nan=how.low, posinf=how.high, neginf=how.low)
    return squeezed(np.ascontiguousarray(values).astype(how.kind))


def mask_bytes(mask: np.ndarray) -> bytes:
    """Bool ``(slices, height, width)`` as bits, gzipped."""
    return squeezed(np.packbits(np.asarray(mask, dtype=bool)))


def heat_bytes(values: np.ndarray) -> bytes:
    """A heat map ``(height, width)`` in [0, 1] as uint8, gzipped."""
    return squeezed(np.round(np.clip(np.nan_to_num(values), 0.0, 1.0) * 255).astype(np.uint8))


def squeezed(array: np.ndarray) -> bytes:
    """Bytes of an array, gzipped, the same for the same array."""
    return gzip.compress(array.tobytes(), LEVEL, mtime=0)


def padding_of(series: Series) -> np.ndarray | None:
    """Pixels without a value, bool as the pixels: padding, and what is no number; ``None`` where there are none."""
    odd = ~np.isfinite(series.pixels)
    if series.padding is not None:
        odd |= series.padding
    return odd if odd.any() else None


def manifest(
    series: Series,
    how: Plan,
    *,
    name: str,
    presets: Sequence[Window],
    start: int,
) -> dict[str, Any]:
    """Facts of a series for the client, as JSON takes them; nothing in them names a person.

    Args:
        series: what is shown.
        how: from :func:`plan`.
        name: what to call it.
        presets: windows, the one to begin with first; the first six have the keys 1 to 6.
        start: slice in view first.
    """
    height, width = series.shape
    return {
        "name": name,
        "modality": str(series.modality),
        "unit": _SHORT[series.unit],
        "shape": [series.slices, height, width],
        "kind": how.kind,
        "slope": how.slope,
        "offset": how.offset,
        "range": [how.low, how.high],
        "spacing": None if series.spacing is None else [float(mm) for mm in series.spacing],
        "aspect": float(series.aspect),
        "geometry": geometry(series),
        "volume": is_volume(series),
        "uneven": series.uneven,
        "frame": series.frame,
        "plane": str(series.plane or ""),
        "projection": series.projection != "slice",
        "sides": [] if series.turned is None else [told(series.turned, at) for at in range(series.slices)],
        "angles": list(series.turned.angles) if series.turned is not None and series.turned.placed else [],
        "inverted": windows.shown_inverted(series),
        "presets": [_preset(window) for window in presets],
        "start": min(max(start, 0), series.slices - 1),
        "pet": series.modality is Modality.PT,
    }


def geometry(series: Series) -> Mapping[str, Any] | None:
    """Directions of a row's and a column's pixels and the place of every slice's first pixel (LPS, mm)."""
    if series.affine is None or series.positions is None:
        return None
    along, down = (series.affine[:3, axis] / np.linalg.norm(series.affine[:3, axis]) for axis in (0, 1))
    if not np.isfinite([*along, *down]).all() or abs(float(along @ down)) > 0.02:
        return None
    return {
        "row": [float(x) for x in along],
        "column": [float(x) for x in down],
        "positions": np.round(series.positions, 4).tolist(),
    }


def is_volume(series: Series) -> bool:
    """Whether slices are evenly spaced and perpendicular to their step, so that other planes can be cut."""
    placed = geometry(series)
    if placed is None or series.affine is None or series.uneven or series.slices < 3 or series.projection != "slice":
        return False
    normal = np.cross(placed["row"], placed["column"])
    step = series.affine[:3, 2] / max(float(np.linalg.norm(series.affine[:3, 2])), 1e-9)
    return bool(abs(abs(float(normal @ step)) - 1.0) < _PERPENDICULAR)


def further_presets(series: Series, known: Sequence[Window]) -> tuple[Window, ...]:
    """Windows for the number keys beside the known ones, where a series' scale has no customary ones."""
    if series.unit in (Unit.HU, Unit.SUV) or not known:
        return ()
    first = known[0]
    low = first.centre - first.width / 2
    return (
        Window(low + first.width / 4, first.width / 2, "bright"),
        Window(low + first.width, first.width * 2, "dark"),
        Window(first.centre, first.width / 2, "hard"),
    )


def _preset(window: Window) -> dict[str, Any]:
    return {
        "name": window.name,
        "centre": float(window.centre),
        "width": float(window.width),
        "function": str(window.function),
        "curve": [float(x) for x in window.curve],
    }
