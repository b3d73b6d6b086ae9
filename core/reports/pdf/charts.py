"""Small drawings: the bar of a probability with its threshold, probabilities along a series, heat-map scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import ceil

from reportlab.graphics.shapes import Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import HexColor, white

from core.imaging import render
from core.reports.fonts import pdf_fonts, printable
from core.reports.pdf.page import ACCENT, INK, LINE, QUIET, WIDTH, picture

LINES = (HexColor("#2f6f8f"), HexColor("#b8621b"), HexColor("#4d4d4d"), HexColor("#7b4ea3"))
DASHES: tuple[list[int] | None, ...] = (None, [5, 2], [1.5, 2], [6, 2, 1, 2])  # type: ignore[list-item]


def bar(value: float, threshold: float, width: float = 84, height: float = 8) -> Drawing:
    """Probability as a bar from 0 to 1, the threshold as an upright line."""
    drawing = Drawing(width, height + 4)
    drawing.add(Rect(0, 2, width, height, fillColor=HexColor("#e4e4e4"), strokeColor=None))
    drawing.add(Rect(0, 2, width * value, height, fillColor=ACCENT, strokeColor=None))
    x = width * threshold
    drawing.add(Line(x, 0, x, height + 4, strokeColor=white, strokeWidth=3))
    drawing.add(Line(x, 0, x, height + 4, strokeColor=INK, strokeWidth=1.2))
    return drawing


def along(
    series: Sequence[tuple[str, Sequence[float | None], float]], marked: Sequence[tuple[int, str]], height: float = 110
) -> Drawing:
    """Probability of a finding by image, one line per model, each with its threshold as a tick on the right.

    Args:
        series: name, probability per slice (``None`` without an answer, a gap) and threshold of each model.
        marked: slices (from 0) to mark, with a word.
    """
    regular, _ = pdf_fonts()
    left, bottom, top, right = 26.0, 24.0, height - 16, WIDTH - 128
    drawing = Drawing(WIDTH, height)
    count = max(len(values) for _, values, _ in series)

    def x(index: int) -> float:
        return left + (right - left) * (index / max(count - 1, 1))

    def y(value: float) -> float:
        return bottom + (top - bottom) * value

    for value in (0.0, 0.5, 1.0):
        drawing.add(Line(left, y(value), right, y(value), strokeColor=LINE, strokeWidth=0.5))
        drawing.add(_label(left - 4, y(value) - 2.5, f"{value:.1f}", "end", regular))
    for index in sorted({round((count - 1) * part / 4) for part in range(5)}):
        drawing.add(_label(x(index), bottom - 9, str(index + 1), "middle", regular))
    drawing.add(_label((left + right) / 2, 2, "image", "middle", regular))
    for index, word in marked:
        drawing.add(Line(x(index), bottom, x(index), top + 2, strokeColor=QUIET, strokeWidth=0.6))
        drawing.add(_label(x(index), top + 5, word, "middle", regular))
    for place, (name, values, threshold) in enumerate(series):
        colour, dash = LINES[place % len(LINES)], DASHES[place % len(DASHES)]
        for known, run in groupby(enumerate(values), key=lambda at: at[1] is not None):
            points = [part for index, value in run if value is not None for part in (x(index), y(value))]
            if known:
                drawing.add(PolyLine(points, strokeColor=colour, strokeWidth=1.3, strokeDashArray=dash))
        at = y(threshold)
        drawing.add(Polygon([right + 1, at, right + 6, at + 3, right + 6, at - 3], fillColor=colour, strokeColor=None))
        row = top - 3 - 17 * place
        drawing.add(Line(right + 12, row, right + 28, row, strokeColor=colour, strokeWidth=1.3, strokeDashArray=dash))
        drawing.add(String(right + 31, row - 2, printable(name[:26]), fontName=regular, fontSize=6.5, fillColor=INK))
        drawing.add(String(right + 31, row - 9, f"threshold {threshold:.2f}", fontName=regular, fontSize=5.8,
                           fillColor=QUIET))  # fmt: skip
    return drawing


def scale(width: float = 160) -> object:
    """Colour scale of the heat maps, 0 on the left, 1 on the right."""
    return picture(render.colour_scale(512, 14), width)


def reads_needed(points: Sequence[tuple[int, float, float, float]], height: float = 120) -> Drawing:
    """Reads needed for one relevant miss by depth in the list, with the interval as a band.

    Args:
        points: depth, reads per miss, and the interval's ends, by growing depth.
    """
    regular, _ = pdf_fonts()
    left, bottom, top, right = 34.0, 26.0, height - 10, WIDTH - 20
    drawing = Drawing(WIDTH, height)
    highest = max(high for *_, high in points)
    most = 4.0 * ceil(min(max(value for _, value, _, _ in points) * 1.6, highest) / 4)  # four even steps
    deepest = max(depth for depth, *_ in points)

    def x(depth: float) -> float:
        return left + (right - left) * depth / deepest

    def y(value: float) -> float:
        return bottom + (top - bottom) * min(value, most) / most

    band = [part for depth, _, low, _ in points for part in (x(depth), y(low))]
    band += [part for depth, _, _, high in reversed(points) for part in (x(depth), y(high))]
    drawing.add(Polygon(band, fillColor=HexColor("#d5e3ea"), strokeColor=None))
    line = [part for depth, value, _, _ in points for part in (x(depth), y(value))]
    drawing.add(PolyLine(line, strokeColor=ACCENT, strokeWidth=1.4))
    for part in range(5):
        value, depth = most * part / 4, deepest * part / 4
        drawing.add(Line(left, y(value), right, y(value), strokeColor=LINE, strokeWidth=0.4))
        drawing.add(_label(left - 4, y(value) - 2.5, f"{value:.0f}", "end", regular))
        drawing.add(_label(x(depth), bottom - 9, f"{depth:.0f}", "middle", regular))
    cut = ", cut at the top" if highest > most else ""
    words = f"cases read from the top; line: reads per relevant miss, band: 95 % interval{cut}"
    drawing.add(_label((left + right) / 2, 4, words, "middle", regular))
    return drawing


def _label(x: float, y: float, text: str, anchor: str, font: str) -> String:
    return String(x, y, printable(text), fontName=font, fontSize=6.5, fillColor=QUIET, textAnchor=anchor)
