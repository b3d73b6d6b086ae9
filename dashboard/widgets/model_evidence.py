"""What is known about each model of a system: from its card, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.engine.results import ModelState
from core.models.card import ModelCard
from core.systems.declaration import System
from dashboard.widgets import words
from dashboard.widgets.slice_strip import COLOURS, DASHES


def show(system: System, states: Sequence[ModelState]) -> None:
    """The system's table, then each model's learning curve and whole card."""
    st.subheader(system.title, anchor=system.name)
    st.write(system.summary)
    st.caption(f"{system.scope} Data: {system.licence_note}")
    st.table(table(states), hide_index=True)
    for state in states:
        if state.card is not None:
            _details(state.card)


def table(states: Sequence[ModelState]) -> pd.DataFrame:
    """One row per model: state, size, test figures with intervals, baselines, threshold."""
    return pd.DataFrame([_row(state) for state in states])


def _row(state: ModelState) -> dict[str, str]:
    card = state.card
    status = str(state.status) + (f": {state.reason}" if state.reason else "")
    if card is None:
        return {"Model": state.title, "State": status} | dict.fromkeys(
            ("Architecture", "Parameters", "On the test part", "Baselines", "Published", "Threshold"), "–"
        )
    return {
        "Model": f"{state.title}, {card.version}",
        "State": status,
        "Architecture": card.architecture,
        "Parameters": f"{card.parameters / 1e6:.1f} million, {card.storage}",
        "On the test part": "; ".join(f"{name} {words.metric(figure)}" for name, figure in card.metrics.items()),
        "Baselines": "; ".join(_baseline(name, figures) for name, figures in card.baselines.items()) or "–",
        "Published": card.published or "–",
        "Threshold": f"{card.threshold.value:.3f}: {card.threshold.rule}",
    }


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
