"""Cells of the table of models: a figure with its interval, a threshold with that of its choice."""

from __future__ import annotations

from core.statistics import Interval
from core.statistics.perfect import SAID
from core.weights.card import ModelCard, Threshold
from dashboard.kit import tables, words


def threshold(of: Threshold) -> str:
    """The threshold, the interval of its choice over resampled groups, and its rule."""
    ends = ""
    if of.low is not None and of.high is not None:
        ends = f"<div class='quiet'>{of.low:.3f} to {of.high:.3f}</div>"
    rule = of.rule.split(" on ")[0].split(", ")[0]  # why and on what it was chosen stands in the card below
    return f"{of.value:.3f}{ends}<div class='quiet'>{words.cell(rule)}</div>"


def interval(figure: Interval | None) -> str:
    """A figure that was computed now."""
    if figure is None:
        return "<td>–</td>"
    below = tables.interval(figure, 3)
    return f"<td>{figure.value:.3f}<div class='quiet'>{below}</div></td>"


def stored(card: ModelCard, name: str) -> str:
    """A figure of the card; what rests on no error says so."""
    figure = card.metrics.get(name)
    if figure is None:
        return "<td>–</td>"
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f"<div class='quiet'>{figure.low:.3f} to {figure.high:.3f}</div>"
    if figure.method.startswith(SAID):
        interval += f"<div class='quiet'>{words.cell(figure.method.split(' (')[0])}</div>"
    return f"<td>{figure.value:.3f}{interval}</td>"
