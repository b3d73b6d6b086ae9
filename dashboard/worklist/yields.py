"""Reads needed to find one relevant miss, along the list; every finished read corrects it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.review import Store
from core.review.archives import HELD_BACK, YieldCurve, archive_yield
from dashboard.kit import words
from dashboard.kit.archive_choice import Chosen

LINE, BAND = "#4c8fb0", "rgba(76, 143, 176, 0.22)"


def show(store: Store, chosen: Chosen, reader: int) -> None:
    """Curve, sentence, and the tenths behind it, as far as they tell nothing of cases still blind for the reader."""
    curve = archive_yield(store, chosen.number, chosen.models, reader)
    if curve.sentence == HELD_BACK:
        st.info(HELD_BACK, icon=":material/visibility_lock:")
        return
    st.markdown(words.plain(curve.sentence))
    if not curve.points:
        return
    st.plotly_chart(figure(curve), config={"displayModeBar": False}, key="yield-curve", alt=curve.sentence)
    with st.expander("The list in tenths", icon=":material/table:"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "Ranks": f"{t.first} to {t.last}",
                        "Reads": t.reads,
                        "Misses found": t.misses,
                        "Promised by the scores": f"{t.promised:.1%}",
                        "Now expected (95 % interval)": f"{t.rate:.1%} ({t.low:.1%} to {t.high:.1%})",
                        "Reads per miss": f"{t.reads_per_miss:.1f}",
                    }
                    for t in curve.tenths
                ]
            ),
            hide_index=True,
            width="stretch",
        )
        found = f"{words.count(curve.reads, 'finished read')}, relevant misses among them: {curve.misses}"
        st.caption(f"{found}; the scores alone promised {curve.expected:.1f}.")


def figure(curve: YieldCurve) -> go.Figure:
    """Reads per miss against how far down the list one reads, with a 95 % band and the line without any order."""
    depth = [p.depth for p in curve.points]
    chart = go.Figure()
    chart.add_scatter(
        x=[*depth, *reversed(depth)],
        y=[*(p.low for p in curve.points), *(p.high for p in reversed(curve.points))],
        fill="toself",
        fillcolor=BAND,
        line={"width": 0},
        hoverinfo="skip",
        name="95 % interval",
    )
    chart.add_scatter(
        x=depth,
        y=[p.reads_per_miss for p in curve.points],
        mode="lines",
        line={"color": LINE, "width": 2.5},
        name="in this order",
        hovertemplate="first %{x} cases: one miss in %{y:.1f} reads<extra></extra>",
    )
    chart.add_scatter(
        x=[depth[0], depth[-1]],
        y=[curve.unranked] * 2,
        mode="lines",
        line={"color": "#8c8c8c", "width": 1.5, "dash": "dash"},
        name="in no order",
        hovertemplate="in no order: one miss in %{y:.1f} reads<extra></extra>",
    )
    chart.update_layout(
        height=300,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        xaxis={"title": "cases read from the top", "fixedrange": True},
        yaxis={"title": "reads per relevant miss", "type": "log", "fixedrange": True},
        dragmode=False,
    )
    return chart
