"""A chart for paper: axes and what is drawn in them, as vector graphics. Every chart of every PDF is one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Path, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor, toColor, white

from core.reports.fonts import pdf_fonts, printable
from core.reports.pdf.page import INK, LINE, QUIET

SIZE = 6.5  # of the words, in points
Dash = Sequence[float] | None


@dataclass(frozen=True)
class Axis:
    """One axis: its range, the values that carry a word (by default some round ones), and what it measures."""

    low: float
    high: float
    title: str = ""
    ticks: tuple[tuple[float, str], ...] | None = None

    def marks(self) -> tuple[tuple[float, str], ...]:
        """Places and words of the ticks."""
        return round_ticks(self.low, self.high) if self.ticks is None else self.ticks


def round_ticks(low: float, high: float, about: int = 5) -> tuple[tuple[float, str], ...]:
    """Round values within a range, a step of 1, 2 or 5 times a power of ten apart.

    >>> [word for _, word in round_ticks(0, 1)]
    ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']
    """
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    digits = max(0, -floor(log10(step)))
    places = [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    return tuple((place, f"{place + 0.0:.{digits}f}") for place in places)


class Plot:
    """Axes in points on paper; what is drawn in them is clipped to them.

    Args:
        width, height: of the whole drawing. x, y: the axes.
        left, bottom, right, top: room around the axes for words.
        grid: thin lines at the ticks of the y axis.
    """

    def __init__(
        self, width: float, height: float, x: Axis, y: Axis, *,
        left: float = 30, bottom: float = 26, right: float = 10, top: float = 14, grid: bool = True,
    ) -> None:  # fmt: skip
        self.drawing = Drawing(width, height)
        self._axes = (x, y)
        self.left, self.bottom, self.right, self.top = left, bottom, width - right, height - top
        self._font, self._bold = pdf_fonts()
        self._frame(grid)
        self._inside = Group()
        # reportlab ends a path so marked with a clip: what follows in the group stays inside
        edge = Path(isClipPath=1, fillColor=None, strokeColor=None)
        edge.moveTo(self.left - 1, self.bottom - 1)
        for corner in (
            (self.right + 1, self.bottom - 1),
            (self.right + 1, self.top + 1),
            (self.left - 1, self.top + 1),
        ):
            edge.lineTo(*corner)
        edge.closePath()
        self._inside.add(edge)
        self.drawing.add(self._inside)

    def x(self, value: float) -> float:
        """Place of a value along the x axis, in points."""
        return self.left + (self.right - self.left) * _share(self._axes[0], value)

    def y(self, value: float) -> float:
        """Place of a value along the y axis, in points."""
        return self.bottom + (self.top - self.bottom) * _share(self._axes[1], value)

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: object = INK, dash: Dash = None, width: float = 1.2
    ) -> None:
        """A line through points; where one is not finite the line is broken."""
        run: list[float] = []
        for x, y in [*zip(xs, ys, strict=True), (float("nan"), 0.0)]:
            if isfinite(x) and isfinite(y):
                run += [self.x(x), self.y(y)]
            elif run:
                if len(run) > 2:
                    shape = PolyLine(run, strokeColor=_colour(colour), strokeWidth=width, strokeDashArray=_dash(dash))
                    self._inside.add(shape)
                run = []

    def area(self, xs: Sequence[float], ys: Sequence[float], colour: object) -> None:
        """A filled outline; the colour may be translucent."""
        points = [part for x, y in zip(xs, ys, strict=True) for part in (self.x(x), self.y(y))]
        self._inside.add(Polygon(points, fillColor=_colour(colour), strokeColor=None))

    def point(self, x: float, y: float, colour: object, size: float = 5, form: str = "circle") -> None:
        """A marker of so many points across: ``circle``, ``circle-open``, ``square`` or ``diamond``."""
        if not (isfinite(x) and isfinite(y)):
            return
        at, up, r = self.x(x), self.y(y), size / 2
        if form == "circle-open":
            self._inside.add(Circle(at, up, r, fillColor=None, strokeColor=_colour(colour), strokeWidth=1))
        elif form == "circle":
            self._inside.add(Circle(at, up, r, fillColor=_colour(colour), strokeColor=None))
        elif form == "square":
            self._inside.add(Rect(at - r, up - r, size, size, fillColor=_colour(colour), strokeColor=None))
        elif form == "diamond":
            corners = [at - r, up, at, up + r, at + r, up, at, up - r]
            self._inside.add(Polygon(corners, fillColor=_colour(colour), strokeColor=white, strokeWidth=0.6))
        else:
            raise ValueError(f"a marker {form!r} cannot be printed")

    def upright_bar(self, x: float, low: float, high: float, colour: object) -> None:
        """An interval at ``x``, with a short stroke at both ends."""
        if not (isfinite(low) and isfinite(high)):
            return
        at, ink = self.x(x), _colour(colour)
        self._inside.add(Line(at, self.y(low), at, self.y(high), strokeColor=ink, strokeWidth=0.8))
        for end in (low, high):
            self._inside.add(Line(at - 2, self.y(end), at + 2, self.y(end), strokeColor=ink, strokeWidth=0.8))

    def column(
        self, x: float, width: float, height: float, colour: object, pattern: str = "", share: float = 1.0
    ) -> None:
        """A column from 0, centred at ``x``; the pattern ``/``, ``x``, ``.`` or ``-`` tells it without colour.

        ``share`` is its opacity.
        """
        left, right = self.x(x - width / 2), self.x(x + width / 2)
        low, high = sorted((self.y(0), self.y(height)))
        ink = _colour(colour)
        fill = Color(ink.red, ink.green, ink.blue, share)
        self._inside.add(Rect(left, low, right - left, high - low, fillColor=fill, strokeColor=white, strokeWidth=0.2))
        for shape in _hatch(left, low, right, high, pattern):
            self._inside.add(shape)

    def cell(self, x: float, y: float, colour: object, lines: Sequence[str], ink: object = INK) -> None:
        """A filled square of a matrix around ``x`` and ``y``, one unit large, with lines of words in its middle."""
        left, right = sorted((self.x(x - 0.5), self.x(x + 0.5)))
        low, high = sorted((self.y(y - 0.5), self.y(y + 0.5)))
        shape = Rect(left, low, right - left, high - low, fillColor=_colour(colour), strokeColor=white, strokeWidth=2)
        self._inside.add(shape)
        for k, text in enumerate(lines):
            up = (low + high) / 2 + 4.5 * (len(lines) - 1) - 9 * k - 2.5
            style = {"fontName": self._font, "fontSize": 7.5, "fillColor": _colour(ink), "textAnchor": "middle"}
            self._inside.add(String((left + right) / 2, up, printable(text), **style))

    def box(self, x: float, five: Sequence[float], colour: object, half: float = 0.3) -> None:
        """A box plot: whisker, quartile, median, quartile, whisker."""
        low, first, middle, third, high = five
        ink = _colour(colour)
        left, right, at = self.x(x - half), self.x(x + half), self.x(x)
        self._inside.add(Rect(left, self.y(first), right - left, self.y(third) - self.y(first), fillColor=None,
                              strokeColor=ink, strokeWidth=1))  # fmt: skip
        self._inside.add(Line(left, self.y(middle), right, self.y(middle), strokeColor=ink, strokeWidth=1.4))
        for start, end in ((first, low), (third, high)):
            self._inside.add(Line(at, self.y(start), at, self.y(end), strokeColor=ink, strokeWidth=1))
            self._inside.add(Line(at - 4, self.y(end), at + 4, self.y(end), strokeColor=ink, strokeWidth=1))

    def across(self, value: float, colour: object = QUIET, dash: Dash = None) -> None:
        """A level line from side to side."""
        self.line((self._axes[0].low, self._axes[0].high), (value, value), colour, dash, 1.0)

    def upright(self, value: float, colour: object = QUIET, dash: Dash = None, word: str = "") -> None:
        """An upright line from bottom to top, with a word above it."""
        self.line((value, value), (self._axes[1].low, self._axes[1].high), colour, dash, 0.8)
        if word:
            self.words(self.x(value), self.top + 4, word, "middle")

    def threshold(self, value: float, colour: object) -> None:
        """A wedge at the right edge that points at a value of the y axis."""
        at = self.y(value)
        wedge = [self.right + 1, at, self.right + 6, at + 3, self.right + 6, at - 3]
        self.drawing.add(Polygon(wedge, fillColor=_colour(colour), strokeColor=INK, strokeWidth=0.3))

    def words(
        self, x: float, y: float, text: str, anchor: str = "start", colour: Color = QUIET, size: float = SIZE
    ) -> None:
        """Words at a place in points."""
        self.drawing.add(
            String(x, y, printable(text), fontName=self._font, fontSize=size, fillColor=colour, textAnchor=anchor)
        )

    def title(self, text: str) -> None:
        """Bold, above the axes."""
        style = {"fontName": self._bold, "fontSize": 8, "fillColor": INK}
        self.drawing.add(String(self.left, self.drawing.height - 9, printable(text), **style))

    def sample(
        self,
        x: float,
        y: float,
        colour: object,
        dash: Dash = None,
        form: str = "",
        pattern: str | None = None,
        width: float = 1.3,
    ) -> None:
        """How a line, a marker or a column looks, for a key; 16 points wide from a place in points."""
        ink = _colour(colour)
        if pattern is not None:
            self.drawing.add(Rect(x, y - 3, 16, 6, fillColor=ink, strokeColor=None))
            for shape in _hatch(x, y - 3, x + 16, y + 3, pattern):
                self.drawing.add(shape)
        elif form:
            hollow = form.endswith("-open")
            style = {"fillColor": None if hollow else ink, "strokeColor": ink if hollow else None}
            self.drawing.add(Circle(x + 8, y, 2.5, **style))
        else:
            self.drawing.add(Line(x, y, x + 16, y, strokeColor=ink, strokeWidth=width, strokeDashArray=_dash(dash)))

    def _frame(self, grid: bool) -> None:
        x, y = self._axes
        for value, word in y.marks():
            if grid:
                at = self.y(value)
                self.drawing.add(Line(self.left, at, self.right, at, strokeColor=LINE, strokeWidth=0.5))
            self.words(self.left - 4, self.y(value) - 2.5, word, "end")
        for value, word in x.marks():
            for k, part in enumerate(word.split("\n")):
                self.words(self.x(value), self.bottom - 9 - 7 * k, part, "middle")
        self.drawing.add(Line(self.left, self.bottom, self.right, self.bottom, strokeColor=QUIET, strokeWidth=0.5))
        if x.title:
            lines = max((word.count("\n") for _, word in x.marks()), default=0)
            self.words((self.left + self.right) / 2, self.bottom - 19 - 7 * lines, x.title, "middle")
        if y.title:
            turned = Group(String(0, 0, printable(y.title), fontName=self._font, fontSize=SIZE, fillColor=QUIET,
                                  textAnchor="middle"))  # fmt: skip
            turned.translate(8, (self.bottom + self.top) / 2)
            turned.rotate(90)
            self.drawing.add(turned)


def _share(axis: Axis, value: float) -> float:
    return (value - axis.low) / (axis.high - axis.low)


def _colour(value: object) -> Color:
    return value if isinstance(value, Color) else toColor(value)


def _dash(dash: Dash) -> list[float] | None:
    return None if dash is None else list(dash)


def _hatch(left: float, low: float, right: float, high: float, pattern: str, step: float = 4.0) -> list[Line | Circle]:
    """Strokes or dots of a pattern within a rectangle, given in points."""
    ink = HexColor("#ffffff")
    if pattern == "":
        return []
    if pattern == "-":
        levels = _steps(low, high, step)
        return [Line(left, at, right, at, strokeColor=ink, strokeWidth=0.8) for at in levels]
    if pattern == ".":
        return [Circle(at, up, 0.7, fillColor=ink, strokeColor=None)
                for at in _steps(left, right, step) for up in _steps(low, high, step)]  # fmt: skip
    if pattern == "x":
        return _hatch(left, low, right, high, "/") + _slanted(left, low, right, high, step, falling=True)
    if pattern == "/":
        return _slanted(left, low, right, high, step, falling=False)
    raise ValueError(f"a pattern {pattern!r} cannot be printed")


def _slanted(left: float, low: float, right: float, high: float, step: float, *, falling: bool) -> list[Line | Circle]:
    """Strokes of 45 degrees, cut at the rectangle."""
    out: list[Line | Circle] = []
    for start in _steps(left - (high - low), right, step):
        first, last = max(start, left), min(start + high - low, right)
        if last - first > 0.2:
            up, down = low + first - start, low + last - start
            if falling:
                up, down = low + high - up, low + high - down
            out.append(Line(first, up, last, down, strokeColor=HexColor("#ffffff"), strokeWidth=0.8))
    return out


def _steps(low: float, high: float, step: float) -> list[float]:
    return [low + step / 2 + k * step for k in range(int(max(0.0, high - low) / step))]
