"""The learning curve as a picture beside the card."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

COLOURS = 48
LOSS, FIGURES = "#4c78a8", ("#e0863c", "#5f9e6e", "#8a6fb0")


def draw_curve(curve: list[dict[str, float]], path: Path, *, title: str, chosen: int) -> None:
    """Write a PNG: losses above, validation figures below, the shipped epoch marked.

    Args:
        curve: one row an epoch with ``epoch``, ``loss`` and the validation figures, all but losses in [0, 1].
        path: where to write.
        title: line on top.
        chosen: number of the epoch whose weights were shipped, from 1.
    """
    figure = Figure(figsize=(7, 5.2), dpi=110, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    epochs = [row["epoch"] for row in curve]
    above.plot(epochs, [row["loss"] for row in curve], color=LOSS, marker="o", markersize=3)
    if any("val_loss" in row for row in curve):
        held = [row.get("val_loss", float("nan")) for row in curve]
        above.plot(epochs, held, "--", color=LOSS, marker="o", markersize=3, label="validation")
        above.legend(frameon=False, fontsize=8)
    above.set_ylabel("loss")
    above.set_title(title, fontsize=10)
    names = [name for name in curve[0] if name not in ("epoch", "loss", "val_loss")]
    for name, colour, style in zip(names, FIGURES, ("-", "--", ":"), strict=False):
        below.plot(
            epochs,
            [row.get(name, float("nan")) for row in curve],
            style,
            color=colour,
            marker="o",
            markersize=3,
            label=name,
        )
    below.set_ylim(0, 1.02)
    below.set_ylabel("validation")
    below.set_xlabel("epoch")
    for axes in (above, below):
        axes.axvline(chosen, color="0.6", linewidth=1, zorder=0)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    below.annotate("shipped", (chosen, 0.02), xytext=(3, 2), textcoords="offset points", fontsize=8, color="0.4")
    below.legend(frameon=False, fontsize=8)
    drawn = BytesIO()
    FigureCanvasAgg(figure).print_png(drawn)
    # Two lines and some grey need few colours; every version of the picture stays in the history.
    Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
