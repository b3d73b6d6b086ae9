"""The top of Home: one sentence and three ways in."""

from __future__ import annotations

import streamlit as st

from core.review import Action
from core.simulate import samples
from core.systems import SYSTEMS
from dashboard.kit import routes, who


def headline() -> None:
    """What this is."""
    st.title("Overread")
    st.markdown(
        "Upload a scan and get a second opinion on it: every model side by side, where each one looked, "
        "what it outlined, and where they disagree."
    )


def ways_in() -> None:
    """Sample, upload, evidence."""
    with st.container(horizontal=True, gap="small"):
        first = first_sample()
        if first and st.button("Open a sample case", type="primary", icon=":material/play_arrow:"):
            st.session_state.pop("sample-opened", None)
            st.switch_page(routes.REVIEW, query_params={"sample": first})
        if st.button("Upload a scan", icon=":material/upload:"):
            st.session_state.pop("case", None)
            st.switch_page(routes.REVIEW)
        if who.may_open((Action.LEARN,)) and st.button("Learn to read", icon=":material/school:"):
            st.switch_page(routes.LEARN)
        if st.button("Models and their evidence", icon=":material/fact_check:"):
            st.switch_page(routes.MODELS)


def first_sample() -> str | None:
    """The sample that shows most: a finding of the first system where there is one."""
    known = list(samples.list_samples())
    ranked = sorted(known, key=lambda s: (s.system != next(iter(SYSTEMS)), "no" in s.label.lower()))
    return ranked[0].id if ranked else None
