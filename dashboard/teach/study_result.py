"""What a reader study came to: areas by reader and arm, differences with intervals, and the readings to take along."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.evidence import readings as files
from core.evidence.reader_analysis import METHOD, Analysis, analyse
from core.evidence.readings import Readings
from core.review import Store
from core.review.tables import Study
from core.statistics.intervals import Interval
from core.statistics.multireader.reader_study import Difference, To
from core.teaching import study_outcome
from core.teaching.study_outcome import Progress
from dashboard.kit import words
from dashboard.kit.charts import Chart, blank
from dashboard.kit.slice_strip import COLOURS, DASHES

FEWEST = 2  # readers who are done, below which nothing is analysed


def show(store: Store, actor: int, study: Study, progress: list[Progress]) -> None:
    """The analysis of the readers who are done."""
    st.markdown("##### What it came to")
    done = sum(one.done == len(one.arms) for one in progress)
    if done < FEWEST:
        st.info(
            f"The analysis follows when {FEWEST} readers have finished every session.",
            icon=":material/hourglass_empty:",
        )
        return
    found = study_outcome.readings(store, actor, study.id or 0)
    analysis = analyse(found)
    positives = int(found.truth.sum())
    st.caption(
        f"{len(found.readers)} of {len(progress)} readers, {len(found.cases)} cases ({positives} with a finding). "
        f"Areas under the ROC curve from the stated confidence; {METHOD}. Intervals are 95 %."
        + (
            ""
            if done == len(progress) or study.closed
            else " Interim: decide nothing by it until every reader is done."
        )
    )
    left, right = st.columns([1, 1], gap="medium")
    with left:
        chart = drawn(found, analysis)
        st.plotly_chart(chart.figure, key=chart.key, config={"displayModeBar": False}, alt=chart.alt)
    with right:
        st.dataframe(_arms(found, analysis), hide_index=True, key=f"study-arms-{study.id}")
        st.dataframe(_differences(found, analysis), hide_index=True, key=f"study-gaps-{study.id}")
    _downloads(study, found)


def drawn(found: Readings, analysis: Analysis) -> Chart:
    """Every reader's areas, a line each, and the mean with its interval."""
    first = analysis.studies[0]
    figure = blank("Areas by reader", "", "Area under the ROC curve", 360)
    for reader, name in enumerate(found.readers):
        figure.add_scatter(
            x=found.arms,
            y=first.figures[:, reader],
            mode="lines+markers",
            line={"color": COLOURS[reader % len(COLOURS)], "dash": DASHES[reader % len(DASHES)], "width": 1.5},
            name=name,
        )
    means = [arm.value for arm in first.arms]
    figure.add_scatter(
        x=found.arms,
        y=means,
        mode="lines+markers",
        marker={"size": 11, "symbol": "diamond"},
        line={"color": "#d55e00", "width": 4},
        error_y={
            "array": [min(a.high, 1.0) - a.value for a in first.arms],
            "arrayminus": [a.value - max(a.low, 0.0) for a in first.arms],
        },
        name="mean, 95 %",
    )
    told = "; ".join(f"{name} {arm.value:.3f}" for name, arm in zip(found.arms, first.arms, strict=True))
    return Chart("study-areas", "Areas by reader", figure, f"Mean area under the ROC curve: {told}")


def _arms(found: Readings, analysis: Analysis) -> pd.DataFrame:
    return pd.DataFrame(
        [
            # The interval is symmetric and knows no end of the scale; an area has two.
            {"Arm": name, "Mean area": f"{arm.value:.3f}", "95 %": _ends(max(arm.low, 0.0), min(arm.high, 1.0))}
            for name, arm in zip(found.arms, analysis.studies[0].arms, strict=True)
        ]
    )


def _differences(found: Readings, analysis: Analysis) -> pd.DataFrame:
    rows = [
        _row(found, gap, gap.interval, f"other {study.to}", gap.p)
        for study in analysis.studies
        for gap in study.differences
    ]
    rows += [
        _row(found, gap, drawn_, f"other {To.READERS_AND_CASES}, bootstrap", float("nan"))
        for gap, drawn_ in zip(analysis.studies[0].differences, analysis.drawn, strict=True)
    ]
    frame = pd.DataFrame(rows)
    one = frame["Difference"].iloc[0]
    if frame["Difference"].nunique() > 1:
        return frame
    return frame.drop(columns="Difference").rename(columns={"Area": one})


def _row(found: Readings, gap: Difference, interval: Interval, holds: str, p: float) -> dict[str, str]:
    """Later arm minus earlier one: what the help brought."""
    return {
        "Difference": f"{found.arms[gap.second]} − {found.arms[gap.first]}",
        "Area": f"{-interval.value:+.3f}",
        "95 %": _ends(max(-interval.high, -1.0), min(-interval.low, 1.0)),
        "p": words.p_value(p),
        "Holds for": holds,
    }


def _ends(low: float, high: float) -> str:
    if np.isnan(low):
        return "–"
    return "no spread" if low == high else f"{round(low, 3) + 0:.3f} to {round(high, 3) + 0:.3f}"


def _downloads(study: Study, found: Readings) -> None:
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Readings (CSV)",
            study_outcome.csv(found),
            file_name=f"study-{study.id}-readings.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
        st.download_button(
            "Readings for iMRMC",
            files.imrmc(found, f"Overread reader study {study.id}; arms: {', '.join(found.arms)}"),
            file_name=f"study-{study.id}.imrmc",
            mime="text/plain",
            icon=":material/download:",
            on_click="ignore",
            help="The input format of the US Food and Drug Administration's program for such studies.",
        )
    st.caption("Readers have numbers in both. `overread readers compare` gives the same analysis on the command line.")
