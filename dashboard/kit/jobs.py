"""Runs a review in the background: the scan is on the screen at once, progress is seen, and it can be stopped."""

from __future__ import annotations

import threading
import weakref

import streamlit as st

from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.imaging.study import Study
from dashboard.kit import messages
from dashboard.kit.cases import Case, Job

QUICK = 0.6  # seconds: a review that is done by then shows no progress bar at all
POLL = 0.8


def ensure(case: Case, engine: Engine) -> Job | None:
    """Begin the review of the series on the screen unless it has begun; ``None`` without a system."""
    if case.system is None:
        return None
    key = (case.system, case.series_index)
    if key not in case.jobs:
        job = Job()
        # The thread holds the study, not the case: when the session goes, so does the case, and the review stops.
        job.thread = threading.Thread(target=_work, args=(job, case.study, key, engine), daemon=True)
        weakref.finalize(case, job.stop.set)
        case.jobs[key] = job
        job.thread.start()
        job.thread.join(QUICK)
    return case.jobs[key]


@st.fragment(run_every=POLL)
def progress(case: Case, job: Job) -> None:
    """Progress by model with a stop button; the page is drawn anew when the review is done."""
    if not job.running:
        st.rerun()
    stopping = job.stop.is_set()
    text = (
        "Stopping after the current step"
        if stopping
        else (f"Reading: {job.model}" if job.model else "Waiting for the models")
    )
    st.progress(min(max(job.fraction, 0.0), 1.0), text=text)
    st.button("Stop", key=f"stop-{case.key}", icon=":material/stop_circle:", on_click=job.stop.set, disabled=stopping)


def outcome(case: Case, job: Job) -> None:
    """What to say when a review ended without an answer, with a way to run it again."""
    if job.review is not None:
        st.rerun()  # the answer came while the page was being drawn
    if job.error is not None:
        messages.show(job.error)
    else:
        st.info("Stopped before the models had answered.", icon=":material/stop_circle:")
    if st.button("Run again", key=f"again-{case.key}", icon=":material/refresh:"):
        case.jobs.pop((case.system or "", case.series_index), None)
        st.rerun()


def _work(job: Job, study: Study, key: tuple[str, int], engine: Engine) -> None:
    system, series_index = key
    order = [s.title for s in engine.states(system) if s.status is ModelStatus.READY]

    def report(model: str, fraction: float) -> None:
        done = order.index(model) if model in order else 0
        job.model, job.fraction = model, (done + fraction) / max(len(order), 1)

    try:
        review = engine.review(study, system, series_index, progress=report, stop=job.stop.is_set)
        job.review = None if job.stop.is_set() and not review.ready else review
    except InterruptedError:
        job.stop.set()
    except Exception as failure:
        job.error = None if job.stop.is_set() else messages.as_error(failure)
