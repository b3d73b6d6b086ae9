"""Runs a review in the background: the scan is on the screen at once, progress is seen, and it can be stopped."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.background import Job
from core.engine.as_job import ask
from core.engine.engine import Engine
from core.engine.results import Review
from dashboard.kit import messages
from dashboard.kit.cases import OpenCase

QUICK = 0.6  # seconds: a review that is done by then shows no progress bar at all
POLL = 0.8


def ensure(case: OpenCase, engine: Engine) -> Job[Review] | None:
    """Begin the review of the series on the screen unless it has begun; ``None`` without a system."""
    if case.system is None:
        return None
    key = (case.system, case.series_index)
    if key not in case.jobs:
        # The work holds the study, not the case: when the session goes, so does the case, and the review stops.
        job = Job(partial(ask, study=case.study, key=key, engine=engine)).ends_with(case)
        case.jobs[key] = job
        job.start(QUICK)
    return case.jobs[key]


@st.fragment(run_every=POLL)
def progress(case: OpenCase, job: Job[Review]) -> None:
    """Progress by model with a stop button; the page is drawn anew when the review is done."""
    if not job.running:
        st.rerun()
    text = f"Reading: {job.text}" if job.text else "Waiting for the models"
    st.progress(job.fraction, text="Stopping after the current step" if job.stopping else text)
    st.button("Stop", key=f"stop-{case.key}", icon=":material/stop_circle:", on_click=job.stop, disabled=job.stopping)


def outcome(case: OpenCase, job: Job[Review]) -> None:
    """What to say when a review ended without an answer, with a way to run it again."""
    if job.result is not None:
        st.rerun()  # the answer came while the page was being drawn
    if job.error is not None:
        messages.show(job.error)
    else:
        st.info("Stopped before the models had answered.", icon=":material/stop_circle:")
    if st.button("Run again", key=f"again-{case.key}", icon=":material/refresh:"):
        case.jobs.pop((case.system or "", case.series_index), None)
        st.rerun()
