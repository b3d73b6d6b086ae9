"""The slice to mark on: a click sets a point, a drag draws a box. Marks are in image pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dashboard.kit import render

HERE = Path(__file__).resolve().parent
HELP = "Click to set a point, drag to draw a box."

_component = st.components.v2.component(
    "overread_marker",
    html=(HERE / "marker.html").read_text(encoding="utf-8"),
    css=(HERE / "marker.css").read_text(encoding="utf-8"),
    js=(HERE / "marker.js").read_text(encoding="utf-8"),
)


def image(
    picture: np.ndarray,
    shape: tuple[int, int],
    marks: Sequence[dict[str, Any]],
    *,
    key: str,
    alt: str,
    on_mark: Callable[[dict[str, float]], None],
) -> None:
    """Show one rendered slice to mark on.

    Args:
        picture: uint8 ``(height, width, 3)`` from :func:`dashboard.kit.render.picture`.
        shape: height and width of the slice in image pixels.
        marks: marks of this slice, in image pixels: ``x``, ``y`` and, for a box, ``width`` and ``height``.
        key: identity of the image shown.
        alt: description for a screen reader.
        on_mark: called with a new mark, in image pixels; a point has no ``width`` and ``height``.
    """
    height, width = shape
    state_key = f"marker-{key}"

    def marked() -> None:
        new = st.session_state[state_key].get("mark")
        if new:
            on_mark(to_pixels(new, shape))

    _component(
        key=state_key,
        data={
            "src": render.data_url(picture),
            "alt": alt,
            "label": f"{alt}. {HELP}",
            "ratio": picture.shape[1] / picture.shape[0],
            "marks": [
                {
                    "x": mark["x"] / width,
                    "y": mark["y"] / height,
                    "width": mark.get("width", 0.0) / width,
                    "height": mark.get("height", 0.0) / height,
                }
                for mark in marks
            ],
        },
        on_mark_change=marked,
    )


def to_pixels(mark: dict[str, Any], shape: tuple[int, int]) -> dict[str, float]:
    """From parts of the picture (0 to 1) to image pixels, one decimal, held inside the image."""
    height, width = shape

    def within(value: Any, size: int) -> float:
        return round(min(max(float(value), 0.0), 1.0) * size, 1)

    new = {"x": within(mark["x"], width), "y": within(mark["y"], height)}
    if mark["width"] > 0 and mark["height"] > 0:
        new["width"] = min(within(mark["width"], width), round(width - new["x"], 1))
        new["height"] = min(within(mark["height"], height), round(height - new["y"], 1))
    return new
