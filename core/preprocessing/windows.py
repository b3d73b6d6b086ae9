"""CT display windows by name, and windowing for display."""

from __future__ import annotations

import numpy as np

from core.imaging.study import Modality, Series, Unit, Window

CT_PRESETS = (
    Window(-600.0, 1500.0, "lung"),
    Window(40.0, 400.0, "mediastinum"),
    Window(400.0, 1800.0, "bone"),
    Window(40.0, 80.0, "brain"),
)


def presets(series: Series) -> tuple[Window, ...]:
    """Named windows that make sense for a series: CT windows only where the scale is really Hounsfield."""
    own = (Window(series.window.centre, series.window.width, "as stored"),) if series.window else ()
    if series.unit is Unit.HU:
        return own + CT_PRESETS
    if series.unit is Unit.SUV:
        return (*own, Window(2.5, 5.0, "SUV 0-5"), Window(5.0, 10.0, "SUV 0-10"), Window(10.0, 20.0, "SUV 0-20"))
    return (*own, automatic(series))


def automatic(series: Series) -> Window:
    """Window from the 1st to the 99.5th percentile of the whole series; the full range of an 8-bit picture."""
    if series.unit is Unit.GREY and series.value_range == (0.0, 255.0):
        return Window(127.5, 255.0, "full range")
    sample = series.pixels[:: max(1, series.slices // 16)]
    low, high = np.percentile(sample, (1.0, 99.5))
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    width = max(float(high - low), 1e-6)
    return Window(float(low) + width / 2, width, "automatic")


def shown_inverted(series: Series) -> bool:
    """Whether low values are drawn bright: MONOCHROME1 asks for it, and uptake is read dark on white.

    A picture of a projection is stored as it is seen, white for no uptake, so it is drawn as stored.
    """
    if series.unit is Unit.GREY and series.projection == "mip-coronal":
        return False
    return series.low_is_bright != (series.modality is Modality.PT and series.unit in (Unit.SUV, Unit.BQML))


def to_display(plane: np.ndarray, window: Window, *, invert: bool = False) -> np.ndarray:
    """Map a slice to 8-bit display grey levels, linearly between the window's edges.

    Args:
        plane: ``(height, width)`` in the unit of the window.
        window: centre and full width.
        invert: high values dark.

    Returns:
        uint8 ``(height, width)``.
    """
    grey = np.clip((plane - (window.centre - window.width / 2)) / max(window.width, 1e-6), 0.0, 1.0)
    if invert:
        grey = 1.0 - grey
    return np.round(grey * 255).astype(np.uint8)
