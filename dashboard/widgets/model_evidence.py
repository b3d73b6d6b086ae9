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

FIGURES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "group_auc": "AUC by group",
    "dice_volume_mean": "Volume Dice",
    "false_mask_rate": "False masks",
    "ece": "Calibration error",
}
STYLE = """
<style>
.or-wide { overflow-x: auto; }
.or-evidence { width: 100%; border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
.or-evidence th, .or-evidence td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; min-width: 6.2em;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-evidence tr:first-child th { border-top: none; font-size: 0.78rem; opacity: 0.75; white-space: nowrap; }
.or-evidence th:first-child { min-width: 15em; }
.or-evidence .quiet { font-weight: 400; opacity: 0.75; font-size: 0.78rem; white-space: nowrap; }
.or-evidence .base th { font-weight: 400; }
</style>
"""


def show(system: System, states: Sequence[ModelState]) -> None:
    """The system's table, then each model's learning curve and whole card."""
    st.subheader(system.title, anchor=system.name)
    st.write(system.summary)
    st.caption(f"{system.scope} {system.licence_note}")
    st.html(STYLE + table(system, states))
    published = dict.fromkeys(state.card.published for state in states if state.card and state.card.published)
    for text in published:
        st.caption(f"Published, for comparison. {words.plain(text)}")
    for state in states:
        if state.card is not None:
            _details(state.card)


def table(system: System, states: Sequence[ModelState]) -> str:
    """HTML table: a row per model with its test figures, then a row per baseline; only columns that hold a figure.

    Baselines are those of the first ready model: all models of a system are tested on the same images.
    """
    cards = [state.card for state in states if state.card is not None]
    baselines = next((card.baselines for card in cards if card.baselines), {})
    shown = [name for name in FIGURES if any(name in card.metrics for card in cards)]
    names = ["Model", "State", *(FIGURES[name] for name in shown), "Threshold", "Parameters"]
    heads = "".join(f"<th scope='col'>{head}</th>" for head in names)
    architectures = {slot.name: slot.architecture for slot in system.models}
    rows = "".join(_row(state, architectures.get(state.name, ""), shown) for state in states)
    rows += "".join(_baseline(name, figures, shown) for name, figures in baselines.items())
    label = words.cell(f"Models of {system.title}")
    return f"<div class='or-wide'><table class='or-evidence' aria-label='{label}'><tr>{heads}</tr>{rows}</table></div>"


def _row(state: ModelState, architecture: str, shown: Sequence[str]) -> str:
    card = state.card
    about = [card.architecture if card else architecture]
    if card is not None:
        about += [f"version {card.version}", *_tested(card)]
    body = "".join(f"<div class='quiet'>{words.cell(line)}</div>" for line in about if line)
    status = words.cell(f"{state.status}: {state.reason}" if state.reason else f"{state.status}")
    if card is None:
        cells = f"<td colspan='{len(shown) + 3}'>{status}</td>"
    else:
        figures = "".join(_figure(card, name) for name in shown)
        rule = f"{card.threshold.value:.3f}<div class='quiet'>{words.cell(card.threshold.rule.split(' on ')[0])}</div>"
        size = f"{card.parameters / 1e6:.1f} million<div class='quiet'>stored as {words.cell(card.storage)}</div>"
        cells = f"<td>{status}</td>{figures}<td>{rule}</td><td>{size}</td>"
    return f"<tr><th scope='row'>{words.cell(state.title)}{body}</th>{cells}</tr>"


def _tested(card: ModelCard) -> list[str]:
    """What the figures of a row rest on, said once."""
    figure = card.metrics.get("auc")
    if figure is None:
        return []
    groups = f" of {figure.groups} groups" if figure.groups else ""
    names = ", ".join(use.name for use in card.data)
    return [f"test part of {names}", f"n = {figure.n}{groups}"]


def _figure(card: ModelCard, name: str) -> str:
    figure = card.metrics.get(name)
    if figure is None:
        return "<td>–</td>"
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f"<div class='quiet'>{figure.low:.3f} to {figure.high:.3f}</div>"
    return f"<td>{figure.value:.3f}{interval}</td>"


def _baseline(name: str, figures: dict[str, float], shown: Sequence[str]) -> str:
    cells = "".join(f"<td>{figures[key]:.3f}</td>" if key in figures else "<td>–</td>" for key in shown)
    return f"<tr class='base'><th scope='row'>{words.cell(name)}</th><td>baseline</td>{cells}<td>–</td><td>–</td></tr>"


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
