"""A picture with its description. It travels with the page: nothing to fetch late, when a newer one is there."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.kit import render, words


def show(image: np.ndarray | str, alt: str) -> None:
    """Draw a picture as wide as its column.

    Args:
        image: uint8 ``(height, width, 3)``, or its ``data:`` address.
        alt: description for a screen reader.
    """
    address = image if isinstance(image, str) else render.data_url(image)
    st.html(f"<img class='or-picture' src='{address}' alt='{words.cell(alt)}'>")
