"""From pixels to a picture for page, report and DICOM overlay: grey levels, colour maps, contours, PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from core.imaging.study import Series

TRUTH_COLOUR = (235, 64, 52)
AI_RESULT_COLOUR = (86, 180, 233)
PREDICTION_COLOUR = (64, 200, 96)
# Of the first, second, ... model wherever several are outlined (Okabe and Ito, without the reds that mean truth).
MODEL_COLOURS = ((64, 200, 96), (240, 228, 66), (204, 121, 167), (230, 159, 0), (200, 200, 200), (0, 158, 115))
# The line that goes with each: lengths of stroke and gap, in pixels of the screen.
MODEL_DASHES: tuple[tuple[int, ...], ...] = ((), (14, 5), (3, 4), (14, 4, 3, 4), (7, 7), (2, 7))
HEAT_COLOURS = "magma"  # perceptually uniform and readable with every kind of colour blindness
SIDE = 640  # pixels of the longer side of a rendered picture, so that contours stay thin on small crops


@dataclass(frozen=True, eq=False)
class Contour:
    """A mask's outline: colour, and solid, dashed or dotted so that it can be told apart without colour.

    Attributes:
        mask: bool ``(height, width)`` on the image grid.
        dashed, dotted: how the line is drawn.
        fill: opacity of the area inside, 0 to 1.
    """

    mask: np.ndarray
    colour: tuple[int, int, int]
    dashed: bool = False
    fill: float = 0.0
    dotted: bool = False


def truth_contour(mask: np.ndarray, fill: float = 0.0) -> Contour:
    """The reference: red, dashed."""
    return Contour(mask, TRUTH_COLOUR, dashed=True, fill=fill)


def ai_result_contour(mask: np.ndarray, fill: float = 0.0) -> Contour:
    """A mask that an algorithm drew and that came with the images: light blue, dotted."""
    return Contour(mask, AI_RESULT_COLOUR, dotted=True, fill=fill)


def prediction_contour(mask: np.ndarray, fill: float = 0.0) -> Contour:
    """The model's mask: green, solid."""
    return Contour(mask, PREDICTION_COLOUR, dashed=False, fill=fill)


def display_size(series: Series, side: int = SIDE) -> tuple[int, int]:
    """Width and height of the rendered slice: square pixels even where the acquired ones are not."""
    height, width = series.shape
    true_height, true_width = height * series.aspect, float(width)
    factor = side / max(true_height, true_width)
    return max(1, round(true_width * factor)), max(1, round(true_height * factor))


def picture(
    grey: np.ndarray,
    size: tuple[int, int],
    *,
    heat: np.ndarray | None = None,
    opacity: float = 0.5,
    contours: Sequence[Contour] = (),
) -> np.ndarray:
    """Compose what is seen on one slice.

    Args:
        grey: uint8 ``(height, width)``, already windowed.
        size: width and height to render at.
        heat: ``(height, width)`` in [0, 1]; drawn more strongly where it is higher, so that the scan stays visible.
        opacity: of the heat map, 0 to 1.
        contours: outlines to draw on top.

    Returns:
        uint8 ``(size[1], size[0], 3)``.
    """
    enlarge = size[0] >= grey.shape[1]
    scaled = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC if enlarge else cv2.INTER_AREA)
    canvas = cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB)
    if heat is not None:
        canvas = _blend_heat(canvas, cv2.resize(heat.astype(np.float32), size), opacity)
    for contour in contours:
        canvas = _draw(canvas, contour)
    return canvas


def mask_picture(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """White mask on black, uint8 ``(size[1], size[0], 3)``."""
    scaled = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB)


def framed(image: np.ndarray, side: int) -> np.ndarray:
    """The picture in the middle of a neutral square, so that a row of them stands in line."""
    canvas = np.full((side, side, 3), 22, dtype=np.uint8)
    height, width = image.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = image
    return canvas


def colour_scale(width: int = 256, height: int = 12) -> np.ndarray:
    """The heat map's colour scale from 0 to 1, uint8 ``(height, width, 3)``."""
    return _colours(np.tile(np.linspace(0.0, 1.0, width), (height, 1)))


def png(image: np.ndarray) -> bytes:
    """Encode quickly: these pictures are looked at once and thrown away."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _colours(values: np.ndarray) -> np.ndarray:
    import matplotlib  # here: a picture without a heat map is drawn before anybody waits for it

    table = matplotlib.colormaps[HEAT_COLOURS](np.linspace(0.0, 1.0, 256))[:, :3]
    index = np.clip(np.round(values * 255), 0, 255).astype(np.uint8)
    return np.round(table * 255).astype(np.uint8)[index]


def _blend_heat(canvas: np.ndarray, heat: np.ndarray, opacity: float) -> np.ndarray:
    weight = (np.clip(heat, 0.0, 1.0) ** 0.5 * opacity)[..., None]
    return np.round(canvas * (1.0 - weight) + _colours(heat) * weight).astype(np.uint8)


def _draw(canvas: np.ndarray, contour: Contour) -> np.ndarray:
    size = (canvas.shape[1], canvas.shape[0])
    # Resizing the soft mask and cutting at one half gives a smooth outline at screen resolution.
    mask = (cv2.resize(contour.mask.astype(np.float32), size) >= 0.5).astype(np.uint8)
    if contour.fill > 0:
        tint = np.array(contour.colour, dtype=np.float32) * contour.fill
        inside = mask.astype(bool)
        canvas = canvas.copy()
        canvas[inside] = np.round(canvas[inside] * (1.0 - contour.fill) + tint).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        points = outline[:, 0, :]
        if contour.dotted:
            _dashes(canvas, points, contour.colour, on=2, off=6)
        elif contour.dashed:
            _dashes(canvas, points, contour.colour)
        else:
            cv2.polylines(canvas, [points], True, contour.colour, 2, cv2.LINE_AA)
    return canvas


def _dashes(canvas: np.ndarray, points: np.ndarray, colour: tuple[int, int, int], on: int = 9, off: int = 7) -> None:
    for start in range(0, len(points), on + off):
        cv2.polylines(canvas, [points[start : start + on]], False, colour, 2, cv2.LINE_AA)
