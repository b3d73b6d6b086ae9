"""What a background run does: import the cases of a source, or score those of an archive, from wherever it stands.

Scoring runs take turns (the models are one per process), and a run gives way when the engine's places are taken by
people at work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from sqlmodel import col, func, select

from core.errors import ArchiveError, EngineBusyError, MemoryFullError, ModelVersionError
from core.review.archives.background import Watch
from core.review.archives.importing import Importer, ImportOptions, report_name
from core.review.archives.intake.joining import join_slices
from core.review.archives.intake.roots import permitted
from core.review.archives.intake.sources import survey, usual_sheet
from core.review.archives.intake.staging import clear, locate, skipped
from core.review.archives.ranking import rank
from core.review.archives.reading_ahead import TOGETHER, read_ahead
from core.review.archives.scoring import Reviewer, need_models, pending, scores_for
from core.review.pseudonyms import NAMES_FILE, Pseudonyms
from core.review.store import Store
from core.review.tables import ImportFile, ImportRun, Score, ScoreRun
from core.review.vocabulary import Outcome, RunState

_Made = TypeVar("_Made")
_BUSY_SECONDS = 0.5
_MOST_SECONDS = 1.0  # of work that a killed process may have to do again
_turn = threading.Lock()  # scoring runs of one process, one after the other


def imported(store: Store, run: ImportRun) -> tuple[int, int]:
    """Files an import has dealt with, and those among them that could not be read."""
    query = select(ImportFile.outcome, func.count()).where(ImportFile.run_id == run.id).group_by(ImportFile.outcome)
    with store.reading() as session:
        counts = {outcome: int(count) for outcome, count in session.exec(query)}
    return sum(counts.values()), counts.get(Outcome.UNREADABLE.value, 0)


def import_cases(store: Store, watch: Watch[ImportRun]) -> None:
    """Import what the run's source holds and the archive does not.

    Raises:
        ArchiveError: the source is gone, or may no longer be imported.
        InterruptedError: stopped before the end.
    """
    run = watch.run
    options = ImportOptions.from_json(run.settings["options"])
    names = Pseudonyms.of(store.images_folder)
    source = Path(_meant(names, run.settings["path"]))
    if options.layout.sheet:
        options = options.with_sheet(_meant(names, options.layout.sheet))
    if not run.settings.get("anywhere"):
        source = permitted(store, run.started_by, source)  # again: a link may have been put there meanwhile
    root, sheet = locate(source, store.images_folder)
    layout = options.layout if options.layout.sheet is not None or sheet is None else options.with_sheet(sheet).layout

    def asked() -> bool:
        watch.beat()
        return watch.stopped()

    found = survey(root, layout, stop=asked)
    if options.layout.join:
        found = replace(found, cases=tuple(join_slices(found.cases)))
    name = report_name(source)
    importer = Importer(store, run.started_by, run.archive_id, name, options, run.id)
    importer.note_rows(layout.sheet or usual_sheet(root), found.problems)
    importer.note_skipped(skipped(root, store.images_folder))
    left = list(importer.waiting(found))
    reported, _ = imported(store, run)
    if not watch.step(force=True, total=reported + len(left)):
        raise InterruptedError
    for case in left:
        _patiently(partial(importer.take, found, case), watch)
        if not watch.step():
            raise InterruptedError
    watch.finish(RunState.DONE, _aside(found.aside))
    if not _wanted(store, run):
        clear(root, store.images_folder)


def _wanted(store: Store, run: ImportRun) -> bool:
    """Whether another import still reads what this one has read: the same upload, sent twice."""
    under_way = (RunState.QUEUED.value, RunState.RUNNING.value, RunState.PAUSED.value)
    query = select(ImportRun).where(col(ImportRun.state).in_(under_way), ImportRun.id != run.id)
    with store.reading() as session:
        return any(other.settings["path"] == run.settings["path"] for other in session.exec(query))


def _meant(names: Pseudonyms, pseudonym: str) -> str:
    """The path behind a pseudonym.

    Raises:
        ArchiveError: the file beside the store that knows it is gone.
    """
    found = names.meaning(pseudonym)
    if found is None:
        raise ArchiveError(
            f"Where {pseudonym} lies is not known any more.", f"Put {NAMES_FILE} back, or import the folder anew."
        )
    return found


def _aside(count: int) -> str:
    if not count:
        return ""
    return f"{count} {'file was' if count == 1 else 'files were'} left aside: documents, and masks without an image."


def score_cases(store: Store, engine: Reviewer, watch: Watch[ScoreRun]) -> None:
    """Score the cases that the installed models have not answered, and rank them on the way and at the end.

    Raises:
        ModelVersionError: the models are not those the run began with.
        InterruptedError: stopped before the end.
    """
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
        score = partial(scores_for, store, engine, models=models, run_id=run.id, beat=watch.beat, stop=watch.stopped)
        with _Few(store) as made:
            for case, study in read_ahead(store, engine, left, run.system):
                scores = _patiently(partial(score, case, study=study), watch)
                if not scores:
                    raise ModelVersionError("The models changed while scoring.", "Score the archive again.")
                done, failed = done + 1, failed + any(score.error for score in scores)
                made.add(scores)
                if case is not left[-1] and not made.due:
                    continue
                made.keep()
                if done >= next_ranking:
                    rank(store, run.archive_id, models)
                    next_ranking = max(done + 25, done * 2)  # ranking costs more as the archive grows
                if not watch.step(done=done, failed=failed):
                    rank(store, run.archive_id, models)
                    raise InterruptedError
        rank(store, run.archive_id, models)
        watch.finish(RunState.DONE)


class _Few:
    """Scores of a few cases that are kept together: every transaction waits for the disk. What ends the run before is
    no reason to lose them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scores: list[Score] = []
        self._cases, self._since = 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.keep()

    def add(self, scores: Sequence[Score]) -> None:
        """Those of one more case."""
        self._scores += scores
        self._cases += 1

    @property
    def due(self) -> bool:
        """Whether to keep them now."""
        return self._cases >= TOGETHER or time.monotonic() - self._since >= _MOST_SECONDS

    def keep(self) -> None:
        """Keep them, all in one transaction."""
        if self._scores:
            self._store.save_scores(self._scores)
        self._scores, self._cases, self._since = [], 0, time.monotonic()


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


def _patiently(work: Callable[[], _Made], watch: Watch[ImportRun] | Watch[ScoreRun]) -> _Made:
    """Do a piece of work; while people at the pages take all places or all memory, wait: they go first.

    Raises:
        InterruptedError: stopped.
    """
    while True:
        try:
            return work()
        except (EngineBusyError, MemoryFullError):
            time.sleep(_BUSY_SECONDS)
            watch.beat()
            if watch.stopped():
                raise InterruptedError from None
