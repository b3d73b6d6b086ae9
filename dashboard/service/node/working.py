"""A received study becomes cases of the archive, scored, with results in the outbox."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from core.background import as_error
from core.errors import EngineBusyError, MemoryFullError, OverreadError, StoreError
from core.imaging import read
from core.imaging.folder import read_files
from core.reports.case import CaseReport
from core.reports.dicom import dicom_objects, find_source
from core.reports.dicom.objects import file_kind, written
from core.review.archives.importing import Importer, ImportOptions
from core.review.archives.intake.sources import Found, Survey, survey
from core.review.archives.scoring import Reviewer, installed, scores_of
from core.review.store import Store
from core.review.vocabulary import Mode, Outcome
from core.systems import match
from dashboard.service.node.config import NodeConfig
from dashboard.service.node.spool import Spool

SENT = ("seg-binary", "sr", "sr-regions")  # not probabilities, which viewers refuse or misread, nor pictures


class Work:
    """Takes complete studies out of the inbox.

    Args:
        store, engine: where cases go, and who reads them.
    """

    def __init__(self, config: NodeConfig, spool: Spool, store: Store, engine: Reviewer) -> None:
        self._config, self._spool, self._store, self._engine = config, spool, store, engine
        self._actor = store.local_user().number or 0
        self._since = time.time()

    def step(self) -> int:
        """Deal with every study that is complete. Returns how many there were.

        Raises:
            StoreError, OSError: the store or the disk cannot be written to; nothing of the study is lost, and the
                others were dealt with as far as that allowed.
        """
        done, waits = 0, None
        for key, folder in self._spool.quiet(self._config.quiet, self._since):
            try:
                self._study(key, folder)
                done += 1
            except (OverreadError, OSError) as error:
                waits = waits or error
        if waits is not None:
            raise waits
        return done

    def _study(self, key: str, folder: Path) -> None:
        found = survey(folder)
        names = sorted(name for one in found.cases for name in one.files)
        batch = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]  # the same files again are the same import
        archive = self._archive()
        importer = Importer(self._store, self._actor, archive, f"dicom-{key}-{batch}", ImportOptions())
        for one in found.cases:
            outcome = self._taken(importer, found, one)
            if outcome is Outcome.UNREADABLE:
                self._spool.note("unread", study=key, images=len(one.files))
                self._spool.set_aside(folder, one.files)
                continue
            self._spool.note("case", study=key, images=len(one.files), outcome=str(outcome.value))
            case = self._case(archive, importer.path_of(one))
            try:
                self._read(key, folder, one, case)
            except (StoreError, EngineBusyError, MemoryFullError, OSError):
                raise  # the images stay in the inbox
            except Exception as error:  # whatever a file brings about costs the result of that file alone
                self._spool.note("no result", study=key, why=as_error(error).message)
            self._spool.done(folder, one.files)

    @staticmethod
    def _taken(importer: Importer, found: Survey, one: Found) -> Outcome:
        """What came of importing a case. One that brings about what nobody foresaw is none that can be read."""
        try:
            return importer.take(found, one)
        except (OverreadError, OSError):
            raise
        except Exception as error:
            as_error(error)  # notes where, not what
            return Outcome.UNREADABLE

    def _read(self, key: str, folder: Path, one: Found, case: int | None) -> None:
        """Score a case, and queue what the models draw and say."""
        files = read_files(folder, one.files)
        study = read(files)
        chosen = match(study)
        if chosen.system is None:
            self._spool.note("no result", study=key, why=chosen.reason)
            return
        models = installed(self._engine, chosen.system)
        review = self._engine.review(study, chosen.system, chosen.series_index)
        if case is not None and models.cards:
            self._store.save_scores(scores_of(review, case, models))
        if not self._config.results:
            return
        if review.held_back or not review.ready:
            self._spool.note("no result", study=key, why="the wrong-image gate stopped it, or no model answered")
            return
        report = CaseReport(study=study, series_index=chosen.series_index, review=review, shown=review.peak)
        made = dicom_objects(report, find_source(files, report.series))
        stem = f"{study.sha256[:16]}-{chosen.system}-{models.fingerprint[:8]}"
        for number, item in enumerate(made):
            kind = file_kind(item)
            for place in self._config.results if kind in SENT else ():
                where = hashlib.sha256(place.encode()).hexdigest()[:6]
                if self._spool.put(f"{stem}-{where}-{number:02d}-{kind}", kind, place, written(item)):
                    self._spool.note("queued", study=key, kind=kind, to=place)

    def _archive(self) -> int:
        for archive in self._store.archives():
            if archive.name == self._config.archive:
                return archive.id or 0
        return self._store.add_archive(self._actor, self._config.archive, mode=Mode.SECOND_READER).id or 0

    def _case(self, archive: int, path: str) -> int | None:
        return next((row.case_id for row in self._store.import_report(archive) if row.path == path), None)
