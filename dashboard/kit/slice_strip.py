"""Probability of a finding along the stack, with a click to any slice."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.engine.results import Review
from dashboard.kit import slices, words
from dashboard.kit.cases import OpenCase

COLOURS = ("#4c8fb0", "#e69f00", "#009e73", "#cc79a7", "#8c8c8c")  # Okabe and Ito: distinct for every kind of sight
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def show(case: OpenCase, review: Review, index: int) -> None:
    """Chart for a stack; nothing for a single image."""
    if case.series.slices < 2 or not review.ready:
        return
    key = f"strip-{case.key}-{case.series_index}"

    def jump() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:
            slices.go(case, int(points[0]["x"]) - 1)

    st.plotly_chart(
        figure(review, index),
        key=key,
        on_select=jump,
        selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False},
        alt=describe(review, index),
    )


def figure(review: Review, index: int) -> go.Figure:
    """One line per model, its threshold as a mark at the right edge, the slice on the screen as a vertical line."""
    chart = go.Figure()
    short = words.short_titles([r.state.title for r in review.ready])
    for n, result in enumerate(review.ready):
        assert result.finding is not None
        numbers = list(range(1, len(result.finding) + 1))
        line = {"color": COLOURS[n % len(COLOURS)], "width": 2, "dash": DASHES[n % len(DASHES)]}
        chart.add_scatter(
            x=numbers,
            y=result.finding,
            name=short[result.state.title],
            mode="lines+markers",
            line=line,
            marker={"size": 5},
            hovertemplate="slice %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
        if result.threshold is not None:
            chart.add_hline(result.threshold, line={**line, "width": 1, "dash": "dot"}, opacity=0.6)
    chart.add_vline(index + 1, line={"color": "#888888", "width": 2})
    chart.update_layout(
        height=120,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "v", "yanchor": "top", "y": 1, "x": 1.01, "font": {"size": 10}},
        xaxis={"range": [0.5, len(review.votes) + 0.5], "fixedrange": True},
        yaxis={"title": "probability", "range": [0, 1.03], "fixedrange": True},
        dragmode=False,
        uirevision="keep",
    )
    return chart


def describe(review: Review, index: int) -> str:
    """The chart in words."""
    parts = []
    for result in review.ready:
        assert result.finding is not None
        if not np.isfinite(result.finding).any():
            continue
        top = int(np.nanargmax(result.finding))
        highest = words.probability(float(result.finding[top]))
        parts.append(f"{result.state.title}: highest {highest} on slice {top + 1}")
    return f"Probability of a finding per slice, slice {index + 1} on the screen. " + "; ".join(parts) + "."
