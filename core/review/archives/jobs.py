"""Imports and scoring in the background of this process: begin, pause, go on, stop, take up what a kill left.

One thread a run. Scoring runs take turns (the models are one per process), and a run gives way when the engine's places
are taken by people at work.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import func, select

from core.errors import ArchiveError, EngineBusyError, ModelVersionError, OverreadError
from core.review.archives.background import Progress, Run, RunLock, Watch, is_running, speed
from core.review.archives.importing import Importer, ImportOptions, report_name
from core.review.archives.ranking import rank
from core.review.archives.scoring import Installed, Reviewer, need_models, pending, score_case
from core.review.archives.sources import survey, usual_sheet
from core.review.archives.staging import clear, locate
from core.review.kinds import Outcome, RunState
from core.review.people import Action, require
from core.review.store import Store
from core.review.tables import Case, ImportFile, ImportRun, Score, ScoreRun

_log = logging.getLogger(__name__)
_BUSY_SECONDS = 0.5
_turn = threading.Lock()  # scoring runs of one process, one after the other


@dataclass(eq=False)
class _Job:
    thread: threading.Thread
    halt: threading.Event


_jobs: dict[str, _Job] = {}
_registry = threading.Lock()


# begin


def begin_import(
    store: Store, actor: int, archive_id: int, source: Path, options: ImportOptions | None = None
) -> ImportRun:
    """Import a folder, a zip or a CSV on this machine into an archive, in the background.

    Uploaded files go through :func:`core.review.archives.staging.stage_upload` first.

    Raises:
        ArchiveError: there is no such source, or the options contradict themselves.
        NotAllowedError: the user may not import.
    """
    require(store.user(actor), Action.IMPORT)
    chosen = (options or ImportOptions()).check()
    source = source.expanduser().resolve()
    if not source.exists():
        raise ArchiveError(f"There is no {source}.", "Give a folder, a zip or a CSV on this machine.")
    settings = {"path": str(source), "options": chosen.to_json()}
    run = store.start_import(actor, archive_id, source.name, settings)
    _start(store, run, lambda watch: _import(store, watch))
    return run


def begin_scoring(store: Store, engine: Reviewer, actor: int, archive_id: int, system_name: str) -> ScoreRun:
    """Score all cases of a system in an archive that the installed models have not answered, in the background.

    Scores of other model versions stay beside the new ones.

    Raises:
        ModelUnavailableError: no model of the system is installed.
        ArchiveError: there is nothing to score, or a run of the same kind is at work.
        NotAllowedError: the user may not score.
    """
    require(store.user(actor), Action.SCORE)
    models = need_models(engine, system_name)
    for run in store.runs(ScoreRun, archive_id):
        if run.system == system_name and is_running(store, run):
            raise ArchiveError("This archive is being scored already.", "Wait for that run, or stop it.")
    waiting = pending(store, archive_id, models)
    if not waiting:
        raise ArchiveError("Nothing is left to score with the installed models.", "Import further cases.")
    run = store.start_scoring(actor, archive_id, system_name, models.described, len(waiting))
    _start(store, run, lambda watch: _score(store, engine, watch))
    return run


def rescore(store: Store, engine: Reviewer, actor: int, archive_id: int, system_name: str) -> ScoreRun:
    """Score an archive with the installed models beside what earlier versions said; the same as beginning to score."""
    return begin_scoring(store, engine, actor, archive_id, system_name)


# ask


def pause(store: Store, actor: int, run: Run) -> Run:
    """Let a run wait after the case at hand."""
    return store.ask_run(actor, run, RunState.PAUSED)


def stop(store: Store, actor: int, run: Run) -> Run:
    """End a run after the case at hand; what is done stays, and it can be taken up again."""
    run = store.ask_run(actor, run, RunState.STOPPED)
    if not is_running(store, run) and RunState(run.state) in (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED):
        run = store.update_run(run, state=RunState.STOPPED.value)
    return run


def resume(store: Store, engine: Reviewer, actor: int, run: Run) -> Run:
    """Let a paused, stopped, failed or interrupted run go on where it was."""
    run = store.ask_run(actor, run, RunState.RUNNING)
    if RunState(run.state) is not RunState.DONE:
        _take_up(store, engine, run)
    return run


def adopt(store: Store, engine: Reviewer) -> list[ImportRun | ScoreRun]:
    """Take up the runs that a killed process left behind; call it when a server starts."""
    taken: list[ImportRun | ScoreRun] = []
    for archive in store.archives():
        runs: list[ImportRun | ScoreRun] = [
            *store.runs(ImportRun, archive.id or 0),
            *store.runs(ScoreRun, archive.id or 0),
        ]
        for run in runs:
            unfinished = RunState(run.state) in (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)
            if unfinished and run.wanted == RunState.RUNNING and not is_running(store, run):
                _take_up(store, engine, run)
                taken.append(run)
    return taken


def progress(store: Store, run: ImportRun | ScoreRun) -> Progress:
    """How far a run is, from the store alone: any process may ask."""
    state = RunState(run.state)
    at_work = state in (RunState.QUEUED, RunState.RUNNING) and not is_running(store, run)
    if isinstance(run, ScoreRun):
        done, failed, seconds = run.done, run.failed, run.seconds
    else:
        done, failed = _imported(store, run)
        seconds = ((run.finished or run.heartbeat or run.started) - run.started).total_seconds()
    per_minute, left = speed(done, run.total, seconds)
    return Progress(
        state=state,
        interrupted=at_work,
        done=done,
        failed=failed,
        total=run.total,
        per_minute=per_minute,
        seconds_left=left if state in (RunState.RUNNING, RunState.PAUSED) else None,
        message=run.message,
    )


def _imported(store: Store, run: ImportRun) -> tuple[int, int]:
    """Files an import has dealt with, and those among them that could not be read."""
    query = select(ImportFile.outcome, func.count()).where(ImportFile.run_id == run.id).group_by(ImportFile.outcome)
    with store.reading() as session:
        counts = {outcome: int(count) for outcome, count in session.exec(query)}
    return sum(counts.values()), counts.get(Outcome.UNREADABLE.value, 0)


def wait(store: Store, run: Run, seconds: float = 3600.0) -> Run:
    """Wait until a run of this process rests; returns the fresh row."""
    with _registry:
        job = _jobs.get(_name(store, run))
    if job is not None:
        job.thread.join(seconds)
    return store.run(type(run), run.id or 0)


def shut_down(seconds: float = 10.0) -> None:
    """Let all runs of this process end after the case at hand; they go on when they are adopted."""
    with _registry:
        jobs = list(_jobs.values())
    for job in jobs:
        job.halt.set()
    for job in jobs:
        job.thread.join(seconds)


# work


def _name(store: Store, run: ImportRun | ScoreRun) -> str:
    return str(RunLock(store, run).path)


def _take_up(store: Store, engine: Reviewer, run: ImportRun | ScoreRun) -> None:
    if isinstance(run, ImportRun):
        _start(store, run, lambda watch: _import(store, watch))
    else:
        _start(store, run, lambda watch: _score(store, engine, watch))


def _start(store: Store, run: Run, work: Callable[[Watch[Run]], None]) -> None:
    """Run in a thread, unless a living process does already."""
    lock = RunLock(store, run)
    if not lock.take():
        return
    halt = threading.Event()

    def body() -> None:
        try:
            _guarded(store, run, halt, work)
        finally:
            lock.release()

    thread = threading.Thread(target=body, name=f"overread-{_name(store, run).rpartition('/')[2]}", daemon=True)
    with _registry:
        _jobs[_name(store, run)] = _Job(thread, halt)
    thread.start()


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


def _import(store: Store, watch: Watch[ImportRun]) -> None:
    run = watch.run
    options = ImportOptions.from_json(run.settings["options"])
    root, sheet = locate(Path(run.settings["path"]), store.images_folder)
    layout = options.layout if options.layout.sheet is not None or sheet is None else options.with_sheet(sheet).layout

    def asked() -> bool:
        watch.beat()
        return watch.stopped()

    found = survey(root, layout, stop=asked)
    name = report_name(Path(run.settings["path"]))
    importer = Importer(store, run.started_by, run.archive_id, name, options, run.id)
    importer.note_rows(layout.sheet or usual_sheet(root), found.problems)
    left = list(importer.waiting(found))
    reported, _ = _imported(store, run)
    if not watch.step(force=True, total=reported + len(left)):
        raise InterruptedError
    for case in left:
        importer.take(found, case)
        if not watch.step():
            raise InterruptedError
    watch.finish(RunState.DONE, _aside(found.aside))
    clear(root, store.images_folder)


def _aside(count: int) -> str:
    if not count:
        return ""
    return f"{count} {'file was' if count == 1 else 'files were'} left aside: documents, and masks without an image."


def _score(store: Store, engine: Reviewer, watch: Watch[ScoreRun]) -> None:
    run = watch.run
    with _our_turn(watch):
        models = need_models(engine, run.system)
        if models.described != run.models:
            raise ModelVersionError(
                "The installed models are not those this run began with.", "Score the archive again with the new ones."
            )
        left = pending(store, run.archive_id, models)
        done = max(0, run.total - len(left))
        total, failed, next_ranking = done + len(left), 0, done + 25
        if not watch.step(force=True, done=done, failed=0, total=total):
            raise InterruptedError
        for case in left:
            scores = _patiently(store, engine, case, models, watch)
            if not scores:
                raise ModelVersionError("The models changed while scoring.", "Score the archive again.")
            done, failed = done + 1, failed + any(score.error for score in scores)
            if done >= next_ranking:
                rank(store, run.archive_id, models)
                next_ranking = max(done + 25, done * 2)  # ranking costs more as the archive grows
            if not watch.step(done=done, failed=failed):
                rank(store, run.archive_id, models)
                raise InterruptedError
        rank(store, run.archive_id, models)
        watch.finish(RunState.DONE)


@contextmanager
def _our_turn(watch: Watch[ScoreRun]) -> Iterator[None]:
    """Wait until no other scoring run of this process is at work."""
    while not _turn.acquire(timeout=_BUSY_SECONDS):
        watch.beat()
        if watch.stopped():
            raise InterruptedError
    try:
        yield
    finally:
        _turn.release()


def _patiently(store: Store, engine: Reviewer, case: Case, models: Installed, watch: Watch[ScoreRun]) -> list[Score]:
    while True:
        try:
            return score_case(store, engine, case, models, watch.run.id, beat=watch.beat, stop=watch.stopped)
        except EngineBusyError:  # people at the pages go first
            time.sleep(_BUSY_SECONDS)
            watch.beat()
            if watch.stopped():
                raise InterruptedError from None
