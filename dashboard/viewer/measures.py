"""What a reader measured in the viewer: checked as it comes from a browser, and as reports take it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from core.imaging.study import Series
from core.reports.drawn import DrawnPart, QuantityPart

LEAST_POINTS = {"length": 2, "angle": 3, "rectangle": 2, "ellipse": 2, "freehand": 3}
MOST = 100  # measurements of one series
MOST_POINTS = 20_000  # of all of them together: a freehand line has hundreds
FURTHEST = 1e6  # pixels from the first one: a line may end beside the picture
MOST_LETTERS = 200
_UNITS = {"length": ("mm", "px"), "area": ("mm²", "px²")}
_STATISTICS: dict[str, Literal["mean", "standard deviation", "minimum", "maximum"]] = {
    "mean": "mean",
    "sd": "standard deviation",
    "min": "minimum",
    "max": "maximum",
}


def cleaned(found: Any, series: Series) -> list[dict[str, Any]]:
    """What a browser told, as it is kept with a case: what is no measurement of this series is left out.

    Args:
        found: list of ``id``, ``kind``, ``slice``, ``points`` (column, row of pixel centres), ``values`` and ``text``.

    Returns:
        The same, of known kinds and with finite numbers alone; at most ``MOST``.
    """
    kept: list[dict[str, Any]] = []
    left = MOST_POINTS
    for one in found if isinstance(found, list) else []:
        try:
            whole = _whole(one, series)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            continue
        if len(kept) < MOST and len(whole["points"]) <= left:
            kept.append(whole)
            left -= len(whole["points"])
    return kept


def _whole(one: Mapping[str, Any], series: Series) -> dict[str, Any]:
    """One measurement with nothing in it that is not known.

    Raises:
        AttributeError, KeyError, TypeError, ValueError, OverflowError: it is none.
    """
    kind, index = _text(one["kind"]), int(_finite(one["slice"]))
    points = [[_finite(column), _finite(row)] for column, row in one["points"][: MOST_POINTS + 1]]
    if not 0 <= index < series.slices or len(points) < LEAST_POINTS[kind]:
        raise ValueError(kind)
    if any(abs(at) > FURTHEST for point in points for at in point):
        raise ValueError(kind)
    return {
        "id": _text(one["id"]),
        "kind": kind,
        "slice": index,
        "points": points,
        "values": _values(kind, one["values"], series.shape[0] * series.shape[1]),
        "text": _text(one["text"]),
    }


def _values(kind: str, given: Mapping[str, Any], pixels: int) -> dict[str, Any]:
    if kind == "angle":
        return {"angle": _finite(given["angle"])}
    size = "length" if kind == "length" else "area"
    unit = given["unit"]
    if unit not in _UNITS[size]:
        raise ValueError(unit)
    found: dict[str, Any] = {size: _finite(given[size]), "unit": unit}
    if size == "length":
        return found
    found["n"] = int(_finite(given["n"]))
    if not 0 <= found["n"] <= pixels:
        raise ValueError("more pixels than there are")
    if found["n"]:
        found |= {name: _finite(given[name]) for name in _STATISTICS}
    peak = given.get("peak")
    if found["n"] and peak is not None and peak.get("value") is not None:
        found["peak"] = {"value": _finite(peak["value"]), "inPlane": bool(peak.get("inPlane"))}
    return found


def _finite(given: Any) -> float:
    if not isinstance(given, (int, float)) or isinstance(given, bool) or not math.isfinite(given):
        raise ValueError("not a finite number")
    return float(given)


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError("not a text")
    return "".join(letter for letter in given[:MOST_LETTERS] if letter.isprintable())


def parts(measures: Sequence[Mapping[str, Any]], series: Series) -> tuple[DrawnPart, ...]:
    """Measurements of a series, :func:`cleaned`, for its reports: by slice, then in the order of drawing."""
    return tuple(
        DrawnPart(
            kind=one["kind"],
            slice=one["slice"] + 1,
            points=tuple((column, row) for column, row in one["points"]),
            quantities=_quantities(one["values"], str(series.unit)),
        )
        for one in sorted(measures, key=lambda one: int(one["slice"]))
    )


def _quantities(values: Mapping[str, Any], unit: str) -> tuple[QuantityPart, ...]:
    if "angle" in values:
        return (QuantityPart(name="angle", value=values["angle"], unit="°"),)
    if "length" in values:
        return (QuantityPart(name="length", value=values["length"], unit=values["unit"]),)
    found = [QuantityPart(name="area", value=values["area"], unit=values["unit"])]
    found.append(QuantityPart(name="pixels", value=values["n"], unit=""))
    found += [
        QuantityPart(name=name, value=values[key], unit=unit) for key, name in _STATISTICS.items() if key in values
    ]
    if "peak" in values:
        peak = values["peak"]
        named: Literal["SUVpeak", "SUVpeak in the plane"] = "SUVpeak in the plane" if peak["inPlane"] else "SUVpeak"
        found.append(QuantityPart(name=named, value=peak["value"], unit=unit))
    return tuple(found)
