"""Small drawings: the bar of a probability with its threshold, probabilities along a series, heat-map scale."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, nan

from reportlab.graphics.shapes import Drawing, Line, Rect
from reportlab.lib.colors import Color, HexColor, white

from core.imaging import render
from core.reports.pdf.page import ACCENT, INK, QUIET, WIDTH, picture
from core.reports.pdf.plot import Axis, Plot

DOT = 0.4  # points of paper for a pixel of a line on the screen


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
    series: Sequence[tuple[int, str, Sequence[float | None], float]],
    marked: Sequence[tuple[int, str]],
    height: float = 110,
) -> Drawing:
    """Probability of a finding by image, one line per model, each with its threshold as a tick on the right.

    Every model has the colour and the line that it has on the screen. Those are made for a dark ground: on paper each
    line has a dark edge, so that yellow and grey can be seen.

    Args:
        series: number in its system, name, probability per slice (``None`` without an answer, a gap) and threshold of
            each model.
        marked: slices (from 0) to mark, with a word.
    """
    count = max(len(values) for _, _, values, _ in series)
    shown = sorted({round((count - 1) * part / 4) for part in range(5)})
    images = Axis(0, max(count - 1, 1), "image", tuple((index, str(index + 1)) for index in shown))
    probability = Axis(0, 1, "", ((0, "0.0"), (0.5, "0.5"), (1, "1.0")))
    plot = Plot(WIDTH, height, images, probability, left=26, bottom=24, right=128, top=16)
    for index, word in marked:
        plot.upright(index, QUIET, word=word)
    for place, (number, name, values, threshold) in enumerate(series):
        colour, dash = _line_of(number)
        row = plot.top - 3 - 17 * place
        for ink, width in ((INK, 2.2), (colour, 1.3)):
            plot.line(range(len(values)), [nan if value is None else value for value in values], ink, dash, width)
            plot.sample(plot.right + 12, row, ink, dash, width=width)
        plot.threshold(threshold, colour)
        plot.words(plot.right + 31, row - 2, name[:26], colour=INK)
        plot.words(plot.right + 31, row - 9, f"threshold {threshold:.2f}", size=5.8)
    return plot.drawing


def _line_of(number: int) -> tuple[Color, list[float] | None]:
    """Colour and dashes of the ``number``-th model of a system."""
    red, green, blue = render.MODEL_COLOURS[number % len(render.MODEL_COLOURS)]
    dash = render.MODEL_DASHES[number % len(render.MODEL_DASHES)]
    return Color(red / 255, green / 255, blue / 255), [DOT * length for length in dash] or None


def scale(width: float = 160) -> object:
    """Colour scale of the heat maps, 0 on the left, 1 on the right."""
    return picture(render.colour_scale(512, 14), width)


def reads_needed(points: Sequence[tuple[int, float, float, float]], height: float = 120) -> Drawing:
    """Reads needed for one relevant miss by depth in the list, with the interval as a band.

    Args:
        points: depth, reads per miss, and the interval's ends, by growing depth.
    """
    highest = max(high for *_, high in points)
    most = 4.0 * ceil(min(max(value for _, value, _, _ in points) * 1.6, highest) / 4)  # four even steps
    deepest = max(depth for depth, *_ in points)
    cut = ", cut at the top" if highest > most else ""
    words = f"cases read from the top; line: reads per relevant miss, band: 95 % interval{cut}"
    quarters = [part / 4 for part in range(5)]
    depths = Axis(0, deepest, words, tuple((deepest * part, f"{deepest * part:.0f}") for part in quarters))
    reads = Axis(0, most, "", tuple((most * part, f"{most * part:.0f}") for part in quarters))
    plot = Plot(WIDTH, height, depths, reads, left=34, bottom=26, right=20, top=10)
    xs = [depth for depth, *_ in points]
    ends = [low for _, _, low, _ in points], [high for *_, high in points]
    plot.area([*xs, *reversed(xs)], [*ends[0], *reversed(ends[1])], HexColor("#d5e3ea"))
    plot.line(xs, [value for _, value, _, _ in points], ACCENT, width=1.4)
    return plot.drawing
