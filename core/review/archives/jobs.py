"""Imports and scoring in the background of this process: begin, pause, go on, stop, take up what a kill left.

What a run does is in ``work``, the threads are in ``threads``.
"""

from __future__ import annotations

import threading
from pathlib import Path

from core.errors import ArchiveError
from core.review.archives.background import Progress, Run, is_running, speed
from core.review.archives.importing import ImportOptions
from core.review.archives.intake.roots import permitted
from core.review.archives.intake.staging import real_path
from core.review.archives.scoring import Reviewer, need_models, pending
from core.review.archives.threads import start
from core.review.archives.work import import_cases, imported, score_cases
from core.review.people import Action, require
from core.review.pseudonyms import Pseudonyms
from core.review.store import Store
from core.review.tables import ImportRun, ScoreRun
from core.review.vocabulary import RunState

_beginning = threading.Lock()  # of two who ask at once the second sees the first one's run

# begin


def begin_import(
    store: Store,
    actor: int,
    archive_id: int,
    source: Path,
    options: ImportOptions | None = None,
    *,
    anywhere: bool = False,
) -> ImportRun:
    """Import a folder, a zip or a CSV on this machine into an archive, in the background.

    Uploaded files go through :func:`core.review.archives.intake.staging.stage_upload` first.

    Args:
        anywhere: do not ask whether the folder may be imported: for whoever sits at the machine's own command line.

    Raises:
        ArchiveError: the source may not be imported or is not there, or the options contradict themselves.
        NotAllowedError: the user may not import.
    """
    require(store.user(actor), Action.IMPORT)
    chosen = (options or ImportOptions()).check()
    source = real_path(source) if anywhere else permitted(store, actor, source)
    if not source.exists():
        raise ArchiveError("There is no such folder or file.", "Give a folder, a zip or a CSV on this machine.")
    names = Pseudonyms.of(store.images_folder)
    kept = chosen.with_sheet(names.path(chosen.layout.sheet)) if chosen.layout.sheet else chosen
    path = names.path(str(source))
    settings = {"path": path, "options": kept.to_json(), "anywhere": anywhere}
    run = store.start_import(actor, archive_id, path, settings)
    start(store, run, lambda watch: import_cases(store, watch))
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
    with _beginning:
        for run in store.runs(ScoreRun, archive_id):
            if run.system == system_name and is_running(store, run):
                raise ArchiveError("This archive is being scored already.", "Wait for that run, or stop it.")
        waiting = pending(store, archive_id, models)
        if not waiting:
            raise ArchiveError("Nothing is left to score with the installed models.", "Import further cases.")
        run = store.start_scoring(actor, archive_id, system_name, models.described, len(waiting))
        start(store, run, lambda watch: score_cases(store, engine, watch))
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
        done, failed = imported(store, run)
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


def _take_up(store: Store, engine: Reviewer, run: ImportRun | ScoreRun) -> None:
    if isinstance(run, ImportRun):
        start(store, run, lambda watch: import_cases(store, watch))
    else:
        start(store, run, lambda watch: score_cases(store, engine, watch))
