"""Figures of the page drawn for paper: the same numbers, taken from the figure itself, as vector graphics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import black, linearlyInterpolatedColor, toColor, white

from core.reports.pdf.plot import Axis, Plot
from dashboard.kit.charts import Chart

SIZE = (374.0, 266.0)  # points
DASHES = {"solid": None, "dash": (5, 3), "dot": (1.5, 2), "dashdot": (5, 2, 1, 2), "longdash": (8, 3)}
KEY = 9.0  # height of a line of the key


def drawing(chart: Chart) -> Drawing:
    """The figure on white, :data:`SIZE` large.

    Lines, bands, points with bars, columns, boxes and cells are drawn; whatever else a figure may hold raises
    ``ValueError`` rather than being left out in silence.
    """
    traces = list(chart.figure.data)
    for trace in traces:
        if trace.type not in ("scatter", "bar", "box", "heatmap"):
            raise ValueError(f"{chart.key}: a {trace.type} cannot be printed")
    named = [trace for trace in traces if _in_key(trace)]
    boxes = [trace for trace in traces if trace.type == "box"]
    layout = chart.figure.layout
    cells = next((trace for trace in traces if trace.type == "heatmap"), None)
    if cells is not None:
        x, y = _classes(layout.xaxis, cells.x), _classes(layout.yaxis, cells.y, falling=True)
    elif boxes:
        x = Axis(-0.6, len(boxes) - 0.4, "", tuple((k, _plain(trace.name)) for k, trace in enumerate(boxes)))
        y = _axis(layout.yaxis, [v for t in traces for v in _ys(t)])
    else:
        x = _axis(layout.xaxis, [_xs(t) for t in traces])
        y = _axis(layout.yaxis, [v for t in traces for v in _ys(t)])
    rows = (len(named) + 1) // 2
    left, low = (40, 34 + KEY * rows + (10 if boxes else 0)) if cells is None else (80, 34)
    plot = Plot(*SIZE, x, y, left=left, bottom=low, right=12, top=18, grid=cells is None)
    plot.title(chart.title)
    for trace in traces:
        if trace.type == "box":
            _box(plot, trace, boxes.index(trace))
        else:
            {"scatter": _scatter, "bar": _bar, "heatmap": _cells}[trace.type](plot, trace)
    for shape in layout.shapes:
        _shape(plot, shape)
    for number, trace in enumerate(named):
        at = plot.left + (number % 2) * (plot.right - plot.left) / 2
        _key(plot, trace, at, KEY * (rows - number // 2) - 4)
    return plot.drawing


def _in_key(trace: Any) -> bool:
    band = trace.type == "scatter" and trace.fill == "toself"
    return trace.type in ("scatter", "bar") and not band and trace.showlegend is not False and bool(trace.name)


def _key(plot: Plot, trace: Any, at: float, up: float) -> None:
    if trace.type == "bar":
        plot.sample(at, up, trace.marker.color, pattern=trace.marker.pattern.shape or "")
    elif "lines" in (trace.mode or "lines"):
        plot.sample(at, up, _colour(trace), DASHES[trace.line.dash or "solid"])
    else:
        plot.sample(at, up, _colour(trace), form=str(trace.marker.symbol or "circle"))
    plot.words(at + 19, up - 2, _plain(trace.name).replace("\n", " "))


def _plain(text: str | None) -> str:
    return re.sub(r"<br\s*/?>", "\n", text or "")


def _colour(trace: Any) -> str:
    colour = trace.line.color or (trace.marker.color if isinstance(trace.marker.color, str) else None)
    return colour or "#333333"


def _numbers(values: Any) -> np.ndarray:
    return np.asarray([] if values is None else values, dtype=float)


def _xs(trace: Any) -> np.ndarray:
    return _numbers(trace.x) if trace.type != "box" else np.zeros(0)


def _ys(trace: Any) -> Iterator[np.ndarray]:
    """Values that the y axis must hold."""
    values = _numbers(trace.y)
    yield values
    if trace.type == "bar":
        yield np.zeros(1)
    elif trace.type == "scatter" and trace.error_y.array is not None:
        yield values + _numbers(trace.error_y.array)
        yield values - _numbers(trace.error_y.arrayminus)


def _axis(declared: Any, values: list[np.ndarray]) -> Axis:
    """The figure's own range, else that of the values with a little room."""
    title = _plain(declared.title.text).replace("\n", " ")
    if declared.range is not None:
        return Axis(float(declared.range[0]), float(declared.range[1]), title)
    known = np.concatenate(values) if values else np.zeros(0)
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    return Axis(low - room, high + room, title)


def _scatter(plot: Plot, trace: Any) -> None:
    x, y = _numbers(trace.x), _numbers(trace.y)
    if trace.fill == "toself":
        plot.area(x.tolist(), y.tolist(), trace.fillcolor)
        return
    mode, colour = trace.mode or "lines", _colour(trace)
    if "lines" in mode:
        if trace.line.shape == "vh":  # up first, then along
            x, y = np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]
        plot.line(x.tolist(), y.tolist(), colour, DASHES[trace.line.dash or "solid"])
        x, y = _numbers(trace.x), _numbers(trace.y)
    if "markers" in mode:
        size = np.broadcast_to(12.0 if trace.marker.size is None else _numbers(trace.marker.size), x.shape)
        for at, up, across in zip(x.tolist(), y.tolist(), (size * 0.6).tolist(), strict=True):
            plot.point(at, up, colour, across, str(trace.marker.symbol or "circle"))
    if trace.error_y.array is not None:
        for at, low, high in zip(
            x.tolist(),
            (y - _numbers(trace.error_y.arrayminus)).tolist(),
            (y + _numbers(trace.error_y.array)).tolist(),
            strict=True,
        ):
            plot.upright_bar(at, low, high, colour)


def _bar(plot: Plot, trace: Any) -> None:
    x, y = _numbers(trace.x), _numbers(trace.y)
    step = float(np.diff(np.sort(x)).min()) if len(x) > 1 else 1.0
    wide = np.broadcast_to(step if trace.width is None else _numbers(trace.width), x.shape)
    pattern, share = trace.marker.pattern.shape or "", float(trace.marker.opacity or 1.0)
    for at, width, up in zip(x.tolist(), wide.tolist(), y.tolist(), strict=True):
        plot.column(at, width, up, trace.marker.color, pattern, share)


def _box(plot: Plot, trace: Any, place: int) -> None:
    values = _numbers(trace.y)
    values = values[np.isfinite(values)]
    first, middle, third = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    far = 1.5 * (third - first)
    inside = values[(values >= first - far) & (values <= third + far)]
    plot.box(place, (float(inside.min()), first, middle, third, float(inside.max())), trace.line.color)
    for at, up in zip(np.random.default_rng(0).uniform(-0.2, 0.2, len(values)).tolist(), values.tolist(), strict=True):
        plot.point(place + at, up, _colour(trace), 2)


def _classes(declared: Any, names: Any, *, falling: bool = False) -> Axis:
    """An axis of classes, the first on the left, or at the top where it falls."""
    last = len(names) - 0.5
    low, high = (last, -0.5) if falling else (-0.5, last)
    return Axis(low, high, _plain(declared.title.text), tuple((k, str(name)[:18]) for k, name in enumerate(names)))


def _cells(plot: Plot, trace: Any) -> None:
    """A matrix of shares from 0 to 1, each cell with its text: dark on light, light on dark."""
    (_, light), (_, dark) = trace.colorscale
    share = np.asarray(trace.z, dtype=float)
    for row, column in np.ndindex(share.shape):
        value = float(share[row, column])
        fill = linearlyInterpolatedColor(toColor(light), toColor(dark), 0.0, 1.0, value)
        ink = white if value > 0.6 else black
        plot.cell(column, row, fill, _plain(trace.text[row][column]).split("\n"), ink)


def _shape(plot: Plot, shape: Any) -> None:
    """A line across the figure, as plotly's ``add_hline`` and ``add_vline`` leave them."""
    across, along = shape.xref.endswith("domain"), shape.yref.endswith("domain")
    if shape.type != "line" or not (across or along):
        raise ValueError(f"a {shape.type} between {shape.xref} and {shape.yref} cannot be printed")
    draw, value = (plot.across, shape.y0) if across else (plot.upright, shape.x0)
    draw(float(value), shape.line.color, DASHES[shape.line.dash or "solid"])
