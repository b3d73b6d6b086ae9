"""Figures of the page drawn for paper: the same numbers, taken from the figure itself, by matplotlib."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from dashboard.kit.charts import Chart

DPI = 130
SIZE = (5.2, 3.7)  # inches
LINES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3))}
MARKS = {"circle": "o", "circle-open": "o", "square": "s", "diamond": "D"}
HATCHES = {"": "", "/": "//", "x": "xx", ".": "..", "-": "--"}


def png(chart: Chart) -> bytes:
    """The figure on white, as PNG.

    Lines, bands, points with bars, columns, boxes and cells are drawn; whatever else a figure may hold raises
    ``ValueError`` rather than being left out in silence.
    """
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    axes = figure.subplots()
    layout = chart.figure.layout
    for number, trace in enumerate(chart.figure.data):
        draw = {"scatter": _scatter, "bar": _bar, "box": _box, "heatmap": _cells}.get(trace.type)
        if draw is None:
            raise ValueError(f"{chart.key}: a {trace.type} cannot be printed")
        draw(axes, trace, number)
    for shape in layout.shapes:
        _shape(axes, shape)
    boxes = [trace.name for trace in chart.figure.data if trace.type == "box"]
    if boxes:
        axes.set_xticks(range(len(boxes)), [_plain(name) for name in boxes], fontsize=6)
    _axes(axes, layout)
    axes.set_title(chart.title, fontsize=9, loc="left")
    shown, _ = axes.get_legend_handles_labels()
    if shown:
        axes.legend(fontsize=6, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    out = io.BytesIO()
    FigureCanvasAgg(figure).print_png(out)
    return out.getvalue()


def _plain(text: str | None) -> str:
    return re.sub(r"<br\s*/?>", "\n", text or "")


def _named(trace: Any) -> str | None:
    return None if trace.showlegend is False else _plain(trace.name)


def _scatter(axes: Axes, trace: Any, number: int) -> None:
    x, y = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
    if trace.fill == "toself":
        red, green, blue, share = (float(v) for v in re.findall(r"[\d.]+", trace.fillcolor))
        axes.fill(x, y, color=(red / 255, green / 255, blue / 255), alpha=share, linewidth=0)
        return
    mode = trace.mode or "lines"
    colour = trace.line.color or (trace.marker.color if isinstance(trace.marker.color, str) else None)
    style: dict[str, Any] = {"color": colour, "label": _named(trace), "zorder": 3 + number / 100}
    if "lines" in mode:
        step = "steps-pre" if trace.line.shape == "vh" else "default"
        axes.plot(x, y, linestyle=LINES[trace.line.dash or "solid"], linewidth=1.2, drawstyle=step, **style)
        style["label"] = None
    if "markers" in mode:
        size = 12.0 if trace.marker.size is None else np.asarray(trace.marker.size, dtype=float)
        hollow = str(trace.marker.symbol).endswith("-open")
        face = {"facecolors": "none", "edgecolors": style.pop("color")} if hollow else {}
        axes.scatter(
            x, y, s=(np.asarray(size) * 0.6) ** 2, marker=MARKS[trace.marker.symbol or "circle"], **style, **face
        )
    if trace.error_y.array is not None:
        ends = np.stack([trace.error_y.arrayminus, trace.error_y.array])
        axes.errorbar(x, y, yerr=ends, fmt="none", ecolor=colour, elinewidth=0.8, capsize=2)


def _bar(axes: Axes, trace: Any, number: int) -> None:
    axes.bar(
        np.asarray(trace.x, dtype=float),
        np.asarray(trace.y, dtype=float),
        width=trace.width,
        color=trace.marker.color,
        alpha=trace.marker.opacity or 1.0,
        hatch=HATCHES[trace.marker.pattern.shape or ""],
        edgecolor="white",
        linewidth=0.2,
        label=_named(trace),
        zorder=2 + number / 100,
    )


def _box(axes: Axes, trace: Any, number: int) -> None:
    values = np.asarray(trace.y, dtype=float)
    values = values[np.isfinite(values)]
    colour = {"color": trace.line.color}
    axes.boxplot(
        [values], positions=[number], widths=0.6, showfliers=False, boxprops=colour, whiskerprops=colour,
        capprops=colour, medianprops=colour,
    )  # fmt: skip
    spread = np.random.default_rng(0).uniform(-0.2, 0.2, len(values))
    axes.scatter(number + spread, values, s=4, color=trace.marker.color, alpha=0.5, linewidth=0)


def _cells(axes: Axes, trace: Any, number: int) -> None:
    """A matrix of shares, each cell with its text: dark on light, light on dark."""
    share = np.asarray(trace.z, dtype=float)
    colours = LinearSegmentedColormap.from_list("cells", [(at, colour) for at, colour in trace.colorscale])
    axes.imshow(share, cmap=colours, vmin=trace.zmin, vmax=trace.zmax, aspect="auto")
    for row, column in np.ndindex(share.shape):
        ink = "white" if share[row, column] > 0.6 else "black"
        axes.text(column, row, _plain(trace.text[row][column]), ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(share.shape[1]), [_wrapped(name) for name in trace.x])
    axes.set_yticks(range(share.shape[0]), [_wrapped(name) for name in trace.y])


def _wrapped(name: str) -> str:
    return str(name).replace(" ", "\n").replace("-", "-\n")


def _shape(axes: Axes, shape: Any) -> None:
    """A line across the figure, as plotly's ``add_hline`` and ``add_vline`` leave them."""
    across, along = shape.xref.endswith("domain"), shape.yref.endswith("domain")
    if shape.type == "line" and (across or along):
        line = {"color": shape.line.color, "linestyle": LINES[shape.line.dash or "solid"], "linewidth": 1.0}
        if across:
            axes.axhline(shape.y0, **line)
        else:
            axes.axvline(shape.x0, **line)
    else:
        raise ValueError(f"a {shape.type} between {shape.xref} and {shape.yref} cannot be printed")


def _axes(axes: Axes, layout: Any) -> None:
    axes.set_xlabel(layout.xaxis.title.text or "", fontsize=8)
    axes.set_ylabel(layout.yaxis.title.text or "", fontsize=8)
    if layout.xaxis.range is not None:
        axes.set_xlim(*layout.xaxis.range)
    if layout.yaxis.range is not None:
        axes.set_ylim(*layout.yaxis.range)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
