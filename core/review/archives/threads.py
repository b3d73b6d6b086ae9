"""One job a run of this process: started, waited for, ended; what goes wrong in it is told and logged."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable

from core.background import Job
from core.errors import OverreadError
from core.review.archives.background import Run, RunLock, Watch
from core.review.store import Store
from core.review.vocabulary import RunState

_log = logging.getLogger(__name__)


_jobs: dict[str, Job[None]] = {}
_registry = threading.Lock()


def start(store: Store, run: Run, work: Callable[[Watch[Run]], None]) -> None:
    """Run in a thread, unless a living process does already."""
    lock = RunLock(store, run)
    if not lock.take():
        return

    def body(job: Job[None]) -> None:
        try:
            _guarded(store, run, job.halt, work)
        finally:
            lock.release()

    job = Job(body, name=f"overread-{_name(store, run).rpartition('/')[2]}")
    with _registry:
        _jobs[_name(store, run)] = job
    job.start()


def _guarded(store: Store, run: Run, halt: threading.Event, work: Callable[[Watch[Run]], None]) -> None:
    try:
        watch = Watch(store, run, halt)
    except Exception as error:
        _log_place("a background run could not be started", error)
        return
    try:
        work(watch)
    except InterruptedError:
        _rest(watch, halt)
    except OverreadError as error:
        watch.finish(RunState.FAILED, str(error))
    except Exception as error:  # the run must say that it failed, whatever it was
        _log_place("a background run failed", error)
        watch.finish(
            RunState.FAILED, f"Failed unexpectedly ({type(error).__name__}): the server's log has the details."
        )


def _log_place(what: str, error: Exception) -> None:
    """Kind and place of an error only: its message may name a file, and a file may be named after a patient."""
    _log.error("%s: %s\n%s", what, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


def _rest(watch: Watch[Run], halt: threading.Event) -> None:
    """Left before the end: stopped by the user, or by the end of the process (then it stays running, to be adopted)."""
    watch.finish(RunState.RUNNING if halt.is_set() else RunState.STOPPED)


def wait(store: Store, run: Run, seconds: float = 3600.0) -> Run:
    """Wait until a run of this process rests; returns the fresh row."""
    with _registry:
        job = _jobs.get(_name(store, run))
    if job is not None:
        job.join(seconds)
    return store.run(type(run), run.id or 0)


def shut_down(seconds: float = 10.0) -> None:
    """Let all runs of this process end after the case at hand; they go on when they are adopted."""
    with _registry:
        jobs = list(_jobs.values())
    for job in jobs:
        job.stop()
    for job in jobs:
        job.join(seconds)


def _name(store: Store, run: Run) -> str:
    return str(RunLock(store, run).path)
