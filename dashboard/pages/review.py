"""Review: upload a scan or take a sample, see what every model of the system says."""

from __future__ import annotations

import streamlit as st

from dashboard.kit import blinding, cases, jobs, messages
from dashboard.kit.engine import engine
from dashboard.review import reading, sources, study_bar
from dashboard.viewer import component

sources.received()
sources.from_address()
case = cases.current()
if case is None:
    with st.container(key="entrance"):  # one block, which goes as a whole when a case takes its place
        st.title("Review a scan")
        sources.upload()
        st.subheader("Or open a simulated sample")
        sources.gallery()
    component.warm()
else:
    reading.style(case.study.name)
    with messages.shown():
        if not blinding.stands(case.study):
            jobs.ensure(case, engine())
            sources.keep_address(case)
            jobs.page_begins(case)
            study_bar.show(case)
            reading.show(case)
            if jobs.page_is_over(case):
                st.rerun()
