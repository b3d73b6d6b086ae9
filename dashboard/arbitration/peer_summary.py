"""Peer review in figures: per reader, group, system and month; about readings, not about people."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from core.review import Radpeer, Store, summary

BY = {"team": "Reader group", "reader": "Reader", "system": "System", "month": "Month"}


@st.fragment
def show(store: Store) -> None:
    """Table and one sentence per line."""
    st.subheader("Summary")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.segmented_control("By", list(BY), format_func=BY.__getitem__, default="team", required=True) or "team"
        archives = {a.id: a.name for a in store.archives()}
        archive = st.selectbox(
            "Archive", [None, *archives], format_func=lambda a: archives.get(a, "all archives"), width=220
        )
        since = st.date_input("Since", value=None, max_value=date.today(), width=150)
        until = st.date_input("Until", value=None, max_value=date.today(), width=150)
    lines = summary.summary(store, by=by, archive_id=archive, since=since, until=until)
    if not lines:
        st.caption("No peer review yet.")
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    BY[by]: line.key,
                    "Reviewed": line.n,
                    **{score.value: line.counts.get(score, 0) for score in Radpeer},
                    "Waiting for an arbiter": line.pending,
                    "Revised": line.revised,
                    "Revised of decided (95 % interval)": _rate(line),
                }
                for line in lines
            ]
        ),
        hide_index=True,
        width="stretch",
    )
    for line in lines:
        st.caption(line.text)
    st.caption("For learning from cases, not for ranking people.")


def _rate(line: summary.SummaryLine) -> str:
    if line.n - line.pending < summary.FEW:
        return "too few"
    return f"{line.rate.value:.0%} ({line.rate.low:.0%} to {line.rate.high:.0%})"
