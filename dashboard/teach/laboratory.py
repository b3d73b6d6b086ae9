"""Results of the automation-bias laboratory: the effect of the planted AI where it was right and where it was wrong,
reader by reader; who was harmed is marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.review import Store
from core.statistics.intervals import Interval
from core.statistics.multireader.automation_bias import Reliance
from core.teaching import bias, planted
from core.teaching.bias import Laboratory
from core.teaching.quizzes import Listed
from core.teaching.results import Row
from dashboard.kit import words
from dashboard.kit.charts import GREY, Chart, blank
from dashboard.teach.tables import table


def show(store: Store, one: Listed, rows: list[Row]) -> None:
    """The section; nothing for a quiz without a planted AI."""
    if one.rules.planted is None:
        return
    st.markdown("##### Automation bias: a planted AI")
    found = bias.laboratory(rows, planted.said(store, [row.item.id for row in rows]))
    if found is None:
        st.info("It follows when somebody has finished the quiz for the first time.", icon=":material/hourglass_empty:")
        return
    left, right = st.columns([3, 4], gap="medium")
    with left:
        chart = drawn(found)
        st.plotly_chart(chart.figure, key=chart.key, config={"displayModeBar": False}, alt=chart.alt)
    with right:
        st.markdown(_said(found))
        harmed = [name for name, reader in zip(found.names, found.found.readers, strict=True) if reader.harmed]
        if harmed:
            st.warning(
                f"Harmed: **{words.plain(', '.join(harmed))}**. With the AI they read worse than alone, beyond chance "
                "(exact McNemar test, p < 0.05).",
                icon=":material/warning:",
            )
        st.caption(
            "First attempts of those who finished. Change is of the share of right answers, from alone to with the AI, "
            "with 95 % intervals; of all readers together by a bootstrap of readers and cases."
        )
    lines = zip(found.names, found.found.readers, found.alone_right, found.advised_right, strict=True)
    table(pd.DataFrame([_line(*line) for line in lines]), "bias", one)
    st.download_button(
        "Decisions (CSV)",
        bias.csv(found),
        file_name=f"quiz-{one.quiz.id}-decisions.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        help="As `overread readers advice` takes them; readers have numbers.",
    )


def _said(found: Laboratory) -> str:
    wrong = f"**{words.count(len(found.wrong), 'case')}** ({', '.join(map(str, found.wrong))} in the quiz's own order)"
    return (
        "The AI is made up: no model gave its answers, and they enter no figure of a model. It was wrong on purpose "
        f"in {wrong} of {len(found.cases)}, for {words.count(len(found.names), 'reader')}."
    )


def drawn(found: Laboratory) -> Chart:
    """The effect over all cases, where the AI was right, and where it was wrong."""
    parts = {"AI right": found.found.right, "AI wrong": found.found.wrong, "all cases": found.found.change}
    there = {name: value for name, value in parts.items() if value is not None}
    figure = blank("What the AI did", "Change of the share of right answers", "", 300)
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.add_scatter(
        x=[value.value for value in there.values()],
        y=[f"{name}, n = {value.n}" for name, value in there.items()],
        mode="markers",
        marker={"size": 12, "color": "#d55e00", "symbol": "diamond"},
        error_x={
            "array": [value.high - value.value for value in there.values()],
            "arrayminus": [value.value - value.low for value in there.values()],
            "color": "#d55e00",
            "thickness": 2,
        },
        showlegend=False,
    )
    figure.update_xaxes(tickformat="+.0%")
    figure.update_yaxes(autorange="reversed")
    told = "; ".join(f"{name} {effect(value)}" for name, value in there.items())
    return Chart("bias-effect", "What the AI did", figure, f"Change of the share of right answers: {told}")


def effect(value: Interval) -> str:
    """A change with its interval; without one where no two cases differ, which would feign certainty."""
    if np.isnan(value.low) or value.low == value.high:
        return f"{value.value:+.0%}"
    return f"{value.value:+.0%} ({value.low:+.0%} to {value.high:+.0%})"


def _line(name: str, reader: Reliance, alone: float, advised: float) -> dict[str, object]:
    return {
        "Reader": name,
        "Harmed": "harmed" if reader.harmed else "",
        "Alone": f"{alone:.0%}",
        "With the AI": f"{advised:.0%}",
        "Change": effect(reader.change),
        "p": words.p_value(reader.p),
        "Mended": reader.gained,
        "Spoilt": reader.lost,
        "By following": reader.followed,
        "Came over, AI right": _share(reader.taken_right),
        "Came over, AI wrong": _share(reader.taken_wrong),
    }


def _share(value: Interval) -> str:
    return f"{round(value.value * value.n)} of {value.n}" if value.n else "–"
