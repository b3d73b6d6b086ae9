"""Pictures for the page: what :mod:`core.imaging.render` draws, and as an address that a browser takes."""

from __future__ import annotations

import base64

import numpy as np

from core.imaging.render import (
    PREDICTION_COLOUR,
    SIDE,
    TRUTH_COLOUR,
    Contour,
    ai_result_contour,
    colour_scale,
    display_size,
    framed,
    mask_picture,
    picture,
    png,
    prediction_contour,
    truth_contour,
)

__all__ = [
    "PREDICTION_COLOUR",
    "SIDE",
    "TRUTH_COLOUR",
    "Contour",
    "ai_result_contour",
    "colour_scale",
    "data_url",
    "display_size",
    "framed",
    "mask_picture",
    "picture",
    "png",
    "prediction_contour",
    "truth_contour",
]


def data_url(image: np.ndarray) -> str:
    """PNG as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode("ascii")
