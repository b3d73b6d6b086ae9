"""The picture in the middle: zoom, pan and keyboard in the browser; grey levels and overlays drawn on the server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from core.imaging.study import Series
from dashboard.kit import render

HERE = Path(__file__).resolve().parent
HELP = (
    "Click the image, then: wheel or arrow keys change the slice, Ctrl + wheel or + / − zoom, drag pans, "
    "0 or double click fits. Left and right arrows, J and K step through slices from anywhere on the page."
)

_component = st.components.v2.component(
    "overread_viewer",
    html=(HERE / "viewer.html").read_text(encoding="utf-8"),
    css=(HERE / "viewer.css").read_text(encoding="utf-8"),
    js=(HERE / "viewer.js").read_text(encoding="utf-8"),
)


def image(
    picture: np.ndarray,
    series: Series,
    *,
    key: str,
    alt: str,
    corner_left: str,
    corner_right: str,
    on_step: Callable[[int], None],
) -> None:
    """Show one rendered slice in the zooming frame.

    Args:
        picture: uint8 ``(height, width, 3)`` from :func:`dashboard.kit.render.picture`.
        series: the series shown; its number of slices decides what the wheel does.
        key: identity of what is shown; zoom and pan start afresh when it changes.
        alt: description for a screen reader.
        corner_left, corner_right: short text in the corners of the image.
        on_step: called with -1 or 1 when the reviewer steps to another slice.
    """
    state_key = f"viewer-{key}"

    def stepped() -> None:
        by = st.session_state[state_key].get("step")
        if by:
            on_step(int(by))

    _component(
        key=state_key,
        data={
            "owner": key,
            "src": render.data_url(picture),
            "digest": hashlib.sha256(picture.tobytes()).hexdigest()[:16],
            "alt": alt,
            "label": f"Image viewer. {HELP}",
            "slices": series.slices,
            "pixelated": False,
            "corner_left": corner_left,
            "corner_right": corner_right,
        },
        on_step_change=stepped,
    )
