"""CT display windows by name, and windowing for display."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.imaging.study import Modality, Series, Unit, Voi, Window

CT_PRESETS = (
    Window(-600.0, 1500.0, "lung"),
    Window(40.0, 400.0, "mediastinum"),
    Window(400.0, 1800.0, "bone"),
    Window(40.0, 80.0, "brain"),
    Window(60.0, 160.0, "liver"),
)


def presets(series: Series) -> tuple[Window, ...]:
    """Named windows that make sense for a series: CT windows only where the scale is really Hounsfield."""
    stored = ((series.window,) if series.window else ()) + series.other_windows
    own = tuple(replace(w, name=_stored_name(w, n, len(stored))) for n, w in enumerate(stored, 1))
    if series.unit is Unit.HU:
        return own + CT_PRESETS
    if series.unit is Unit.SUV:
        return (*own, Window(2.5, 5.0, "SUV 0-5"), Window(5.0, 10.0, "SUV 0-10"), Window(10.0, 20.0, "SUV 0-20"))
    return (*own, automatic(series))


def _stored_name(window: Window, number: int, count: int) -> str:
    name = "as stored" if count == 1 or number == 1 else f"as stored {number}"
    kind = {Voi.SIGMOID: ", sigmoid", Voi.TABLE: ", curve"}.get(window.function, "")
    return name + kind


def automatic(series: Series) -> Window:
    """Window from the 1st to the 99.5th percentile of the whole series; the full range of an 8-bit picture."""
    if series.unit is Unit.GREY and series.value_range == (0.0, 255.0):
        return Window(127.5, 255.0, "full range")
    return percentile_window(series, "automatic")


def percentile_window(series: Series, name: str) -> Window:
    """Window from the 1st to the 99.5th percentile of what is image; padding has no say."""
    step = slice(None, None, max(1, series.slices // 16))
    sample = series.pixels[step]
    if series.padding is not None:
        real = sample[~series.padding[step]]
        sample = real if real.size else sample
    low, high = np.percentile(sample, (1.0, 99.5))
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    width = max(float(high - low), 1e-6)
    return Window(float(low) + width / 2, width, name)


def shown_inverted(series: Series) -> bool:
    """Whether low values are drawn bright: MONOCHROME1 asks for it, and uptake is read dark on white."""
    return series.low_is_bright or (series.modality is Modality.PT and series.unit in (Unit.SUV, Unit.BQML))


def to_display(plane: np.ndarray, window: Window, *, invert: bool = False) -> np.ndarray:
    """Map a slice to 8-bit display grey levels by the window's function (PS3.3 C.11.2.1).

    Args:
        plane: ``(height, width)`` in the unit of the window.
        window: centre, full width and function.
        invert: high values dark.

    Returns:
        uint8 ``(height, width)``.
    """
    grey = _grey(np.asarray(plane, dtype=np.float64), window)
    if invert:
        grey = 1.0 - grey
    return np.round(grey * 255).astype(np.uint8)


def _grey(values: np.ndarray, window: Window) -> np.ndarray:
    """Grey from 0 to 1."""
    centre, width = window.centre, max(window.width, 1e-6)
    if window.function is Voi.SIGMOID:
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(-4.0 * (values - centre) / width)))
    if window.function is Voi.LINEAR:
        centre, width = centre - 0.5, window.width - 1.0
        if width <= 0:  # a threshold: the value itself is still dark
            return np.asarray(values > centre, dtype=np.float64)
    place = np.clip((values - (centre - width / 2)) / width, 0.0, 1.0)
    if window.function is Voi.TABLE and len(window.curve) > 1:
        return np.asarray(np.interp(place * (len(window.curve) - 1), np.arange(len(window.curve)), window.curve))
    return place
