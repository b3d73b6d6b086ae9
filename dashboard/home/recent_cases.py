"""Cases opened in this session, to come back to."""

from __future__ import annotations

import streamlit as st

from core.systems import SYSTEMS
from dashboard.kit import cases, picture, routes, words
from dashboard.review import sources


def show() -> None:
    """Thumbnails of the latest cases; they vanish with the session."""
    latest = cases.recent()
    if not latest:
        st.caption("None yet. Cases are kept in memory for this browser session only.")
        return
    with st.container(horizontal=True, gap="small"):
        for case in latest:
            with st.container(width=180):
                picture.show(
                    sources.small(case.study, case.series_index, system=case.system), f"Case {case.study.name}"
                )
                if st.button(case.study.name, key=f"recent-{case.key}", width="stretch"):
                    cases.select(case.key)
                    st.switch_page(routes.REVIEW)
                system = SYSTEMS[case.system].title if case.system else "no system"
                done = case.review.ready if case.review else ()
                st.caption(f"{system}, {words.count(len(done), 'model')} answered")
