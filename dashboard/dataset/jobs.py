"""Audits in the background: the page stays usable, progress is seen, and one can be stopped."""

from __future__ import annotations

import streamlit as st

from core.audit.folder import audit
from core.audit.report import AuditReport
from core.audit.simulated import PREFIX
from core.background import Job
from dashboard.dataset.data import Source

KEY = "audit-jobs"
AuditJob = Job[AuditReport]


class _Jobs(dict[str, AuditJob]):
    """The audits of a session; a class of its own, for only that can be watched for being let go."""


def current(key: str) -> AuditJob | None:
    """The audit of a source in this session."""
    return _jobs().get(key)


def start(key: str, source: Source) -> AuditJob:
    """Begin an audit; one under way for the same source goes on instead."""
    job = _jobs().get(key)
    if job is not None and job.running:
        return job
    _jobs()[key] = job_for(source).ends_with(_jobs()).start()
    return _jobs()[key]


def job_for(source: Source) -> AuditJob:
    """The audit of a source, not yet begun."""
    what = source.folder if source.folder is not None else f"{PREFIX}{source.system}"
    job = AuditJob(lambda job: audit(what, series=source.series, watch=job.tell))
    job.text = "Starting"
    return job


def _jobs() -> _Jobs:
    if KEY not in st.session_state:
        st.session_state[KEY] = _Jobs()
    jobs: _Jobs = st.session_state[KEY]
    return jobs
