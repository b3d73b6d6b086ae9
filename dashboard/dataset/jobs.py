"""Audits in the background: the page stays usable, progress is seen, and one can be stopped."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass, field

import streamlit as st

from core.audit.folder import audit
from core.audit.report import AuditReport
from core.audit.simulated import PREFIX
from core.errors import OverreadError
from dashboard.dataset.data import Source
from dashboard.kit import messages

KEY = "audit-jobs"


@dataclass(eq=False)
class AuditJob:
    """An audit under way, or what came of it."""

    source: Source
    stop: threading.Event = field(default_factory=threading.Event)
    text: str = "Starting"
    fraction: float = 0.0
    started: float = field(default_factory=time.monotonic)
    report: AuditReport | None = None
    error: OverreadError | None = None
    thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """True until the thread has put its answer down."""
        return self.thread is not None and self.thread.is_alive()

    @property
    def seconds_left(self) -> float | None:
        """By the speed so far; ``None`` in the first moments."""
        taken = time.monotonic() - self.started
        return taken / self.fraction * (1 - self.fraction) if self.fraction > 0.03 and taken > 2 else None

    def watch(self, text: str, fraction: float) -> None:
        """What the audit tells; raises ``InterruptedError`` when it is to end."""
        if self.stop.is_set():
            raise InterruptedError
        self.text, self.fraction = text, fraction


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
    job = AuditJob(source)
    job.thread = threading.Thread(target=work, args=(job,), daemon=True)
    weakref.finalize(_jobs(), job.stop.set)
    _jobs()[key] = job
    job.thread.start()
    return job


def work(job: AuditJob) -> None:
    """What the thread does."""
    source = job.source
    try:
        what = source.folder if source.folder is not None else f"{PREFIX}{source.system}"
        job.report = audit(what, series=source.series, watch=job.watch)
    except InterruptedError:
        job.stop.set()
    except Exception as failure:
        job.error = messages.as_error(failure)


def _jobs() -> _Jobs:
    if KEY not in st.session_state:
        st.session_state[KEY] = _Jobs()
    jobs: _Jobs = st.session_state[KEY]
    return jobs
