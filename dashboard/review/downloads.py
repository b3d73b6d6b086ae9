"""What can be taken away: the picture on the screen, and the reports."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from core.engine.results import Review
from dashboard.kit import render
from dashboard.kit.cases import OpenCase
from dashboard.kit.controls import View
from dashboard.review import report_downloads


def show(case: OpenCase, review: Review | None, index: int, picture: np.ndarray, caption: str, view: View) -> None:
    """Download buttons; the files are made when they are asked for."""

    def screen() -> None:
        st.download_button(
            "Picture (PNG)",
            lambda: captioned(picture, caption),
            file_name=f"overread-{case.key}-slice-{index + 1}.png",
            mime="image/png",
            icon=":material/image:",
            on_click="ignore",
            key=f"png-{case.key}",
        )

    opinions = None if case.opinions is None else report_downloads.lines(case.opinions)
    report_downloads.show(case, review, opinions, view=view, beside=screen)


def captioned(picture: np.ndarray, caption: str) -> bytes:
    """PNG of the picture with a line below it that says what it is."""
    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width, height + 22), (22, 22, 22))
    canvas.paste(Image.fromarray(picture))
    ImageDraw.Draw(canvas).text((6, height + 5), caption, fill=(220, 220, 220))
    return render.png(np.asarray(canvas))
