"""Numbers and names as a reader wants them. No Streamlit here."""

from __future__ import annotations

from html import escape

from core.engine.results import Decision, ModelResult
from core.engine.words import (
    caveats,
    count,
    counted,
    in_terms,
    interval,
    many,
    metric,
    no_error,
    p_value,
    probability,
    share,
    short_titles,
)
from core.imaging.study import Modality, Series, Unit, Voi, Window
from core.systems.declaration import System
from dashboard.kit.messages import plain as plain

# As every other surface writes them.
__all__ = [
    "caveats",
    "count",
    "counted",
    "in_terms",
    "interval",
    "many",
    "metric",
    "no_error",
    "p_value",
    "probability",
    "share",
    "short_titles",
]


def seconds(value: float) -> str:
    """Time per slice in the unit that reads well."""
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def left(value: float) -> str:
    """Time left, given in seconds: ``40 s left``, ``43 min left``, ``1.8 h left``."""
    if value < 90:
        return f"{max(1, round(value))} s left"
    minutes = round(value / 60)
    return f"{minutes} min left" if minutes < 90 else f"{value / 3600:.1f} h left"


def decision(result: ModelResult, index: int, system: System) -> str:
    """The decision at the stored threshold, in the system's words."""
    answer = result.decision(index)
    if answer is None:
        return ""
    return system.finding if answer is Decision.FINDING else system.clear


def window(shown: Window, series: Series) -> str:
    """Level and width as a workstation writes them."""
    unit = f" {series.unit}" if series.unit in (Unit.HU, Unit.SUV, Unit.BQML) else ""
    curved = {Voi.SIGMOID: ", sigmoid", Voi.TABLE: ", curve of the file"}.get(shown.function, "")
    return f"L {shown.centre:.4g}  W {shown.width:.4g}{unit}{curved}"


def corner(shown: Window, series: Series) -> str:
    """Modality, where it is known, above the window."""
    known = "" if series.modality is Modality.UNKNOWN else f"{series.modality}\n"
    return f"{known}{window(shown, series)}"


def millimetres(series: Series) -> str:
    """Voxel size, or that it is unknown."""
    if series.spacing is None:
        return "spacing unknown"
    between, rows, columns = series.spacing
    if series.slices > 1 and not series.uneven:
        return f"{rows:.3g} × {columns:.3g} × {between:.3g} mm"
    apart = series.uneven and series.turned is None
    return f"{rows:.3g} × {columns:.3g} mm" + (", no one slice distance" if apart else "")


def size(series: Series) -> str:
    """Matrix and number of slices."""
    height, width = series.shape
    what = "slices" if series.turned is None else "sides"
    return f"{width} × {height}" + (f", {series.slices} {what}" if series.slices > 1 else "")


def cell(text: object) -> str:
    """Text made safe for HTML."""
    return escape(str(text), quote=True)
