"""What is known about each model of a system: from its card, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.engine.results import ModelState
from core.models.card import ModelCard
from core.systems.declaration import System
from dashboard.widgets import words
from dashboard.widgets.slice_strip import COLOURS, DASHES

HEADS = ("Model", "State", "Architecture", "Parameters", "On the test part", "Baselines", "Published", "Threshold")
STYLE = """
<style>
.or-wide { overflow-x: auto; }
.or-evidence { width: 100%; border-collapse: collapse; font-size: 0.84rem; }
.or-evidence th, .or-evidence td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; min-width: 7em;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-evidence tr:first-child th { border-top: none; font-size: 0.78rem; opacity: 0.75; }
.or-evidence td:nth-child(5), .or-evidence td:nth-child(6) { min-width: 17em; }
.or-evidence .quiet { font-weight: 400; opacity: 0.75; }
</style>
"""


def show(system: System, states: Sequence[ModelState]) -> None:
    """The system's table, then each model's learning curve and whole card."""
    st.subheader(system.title, anchor=system.name)
    st.write(system.summary)
    st.caption(f"{system.scope} Data: {system.licence_note}")
    st.html(STYLE + table(system, states))
    for state in states:
        if state.card is not None:
            _details(state.card)


def table(system: System, states: Sequence[ModelState]) -> str:
    """HTML table, one row per model: state, size, test figures with intervals, baselines, threshold."""
    heads = "".join(f"<th scope='col'>{head}</th>" for head in HEADS)
    architectures = {slot.name: slot.architecture for slot in system.models}
    rows = "".join(_row(state, architectures.get(state.name, "")) for state in states)
    label = words.cell(f"Models of {system.title}")
    return f"<div class='or-wide'><table class='or-evidence' aria-label='{label}'><tr>{heads}</tr>{rows}</table></div>"


def _row(state: ModelState, architecture: str) -> str:
    card = state.card
    cells = [f"{state.status}", card.architecture if card else architecture]
    if state.reason:
        cells[0] += f": {state.reason}"
    lines: list[list[str]] = [[c] for c in cells]
    if card is None:
        lines += [["–"]] * (len(HEADS) - 3)
    else:
        lines += [
            [f"{card.parameters / 1e6:.2f} million", f"stored as {card.storage}"],
            [f"{name}: {words.metric(figure)}" for name, figure in card.metrics.items()],
            [_baseline(name, figures) for name, figures in card.baselines.items()] or ["–"],
            [card.published or "–"],
            [f"{card.threshold.value:.3f}", card.threshold.rule],
        ]
    version = f"<div class='quiet'>version {words.cell(card.version)}</div>" if card else ""
    body = "".join("<td>" + "<br>".join(words.cell(line) for line in column) + "</td>" for column in lines)
    return f"<tr><th scope='row'>{words.cell(state.title)}{version}</th>{body}</tr>"


def _baseline(name: str, figures: dict[str, float]) -> str:
    return f"{name}: " + ", ".join(f"{metric} {value:.3f}" for metric, value in figures.items())


def _details(card: ModelCard) -> None:
    with st.expander(f"{card.title}: learning curve and whole card"):
        chart = curve(card)
        if chart is not None:
            st.plotly_chart(
                chart,
                key=f"curve-{card.system}-{card.name}",
                config={"displayModeBar": False},
                alt=f"Learning curve of {card.title} over {len(card.training.learning_curve)} epochs",
            )
        st.json(card.model_dump(mode="json", exclude={"training": {"learning_curve"}}), expanded=1)


def curve(card: ModelCard) -> go.Figure | None:
    """Every figure that training kept per epoch; ``None`` when it kept none."""
    points = card.training.learning_curve
    names = [key for key in (points[0] if points else {}) if key not in ("epoch", "step")]
    if not names:
        return None
    chart = go.Figure()
    for n, name in enumerate(names):
        chart.add_scatter(
            x=[point.get("epoch", position + 1) for position, point in enumerate(points)],
            y=[point.get(name) for point in points],
            name=name,
            mode="lines+markers",
            line={"color": COLOURS[n % len(COLOURS)], "dash": DASHES[n % len(DASHES)]},
        )
    chart.update_layout(
        height=240,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": "epoch"},
        legend={"orientation": "h", "y": 1.2},
    )
    return chart
