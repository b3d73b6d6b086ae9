"""Background runs and what they leave behind: imports, scoring, the models' scores."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, select

from core.errors import NotFoundError
from core.review.cases import advance, clean, found_archive
from core.review.database import Database
from core.review.people import Action, acting
from core.review.tables import Case, Discrepancy, DriftReading, ImportRun, Score, ScoreRun
from core.review.trail import append
from core.review.vocabulary import CaseState, RunState, now
from core.weights.card import Identity

Run = TypeVar("Run", ImportRun, ScoreRun)


def fingerprint(models: Iterable[Identity]) -> str:
    """One hash for a set of models, each told by its weights and version: what a discrepancy rests on."""
    return hashlib.sha256("\n".join(sorted({" ".join(model) for model in models})).encode()).hexdigest()


def _columns(kind: type[SQLModel]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name != "id")


@functools.cache  # making it anew took longer than two models do
def _upserting(kind: type[SQLModel], keys: tuple[str, ...], *, on_sqlite: bool) -> Executable:
    """The statement that writes rows of a table, or over what the same keys have there."""
    statement = (sqlite.insert if on_sqlite else postgresql.insert)(kind)
    changed = {name: statement.excluded[name] for name in _columns(kind) if name not in (*keys, "created")}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


class Runs(Database):
    """Runs, scores, discrepancies and drift. Machine side: nothing here is for a reader's eyes before they locked."""

    def start_import(
        self, actor: int, archive_id: int, source: str, settings: dict[str, Any], total: int = 0
    ) -> ImportRun:
        """Begin an import. ``settings`` is what resuming it needs."""
        with self.writing() as session:
            acting(session, actor, Action.IMPORT)
            found_archive(session, archive_id)
            row = ImportRun(
                archive_id=archive_id, source=clean(source), settings=settings, total=total, started_by=actor
            )
            session.add(row)
            session.flush()
            append(session, actor, "import.started", f"archive:{archive_id}", {"run": row.id})
            return row

    def start_scoring(self, actor: int, archive_id: int, system: str, models: dict[str, Any], total: int) -> ScoreRun:
        """Begin scoring an archive. ``models`` maps model name to version and weights."""
        with self.writing() as session:
            acting(session, actor, Action.SCORE)
            found_archive(session, archive_id)
            row = ScoreRun(archive_id=archive_id, system=system, models=models, total=total, started_by=actor)
            session.add(row)
            session.flush()
            append(session, actor, "scoring.started", f"archive:{archive_id}", {"run": row.id, "models": models})
            return row

    @staticmethod
    def _run(session: Session, kind: type[Run], run_id: int | None) -> Run:
        row = session.get(kind, run_id)
        if row is None:
            raise NotFoundError(f"There is no run {run_id}.")
        return row

    def run(self, kind: type[Run], run_id: int) -> Run:
        """The run of an id. Raises ``NotFoundError``."""
        with self.reading() as session:
            return self._run(session, kind, run_id)

    def runs(self, kind: type[Run], archive_id: int) -> list[Run]:
        """Runs of an archive, newest first."""
        with self.reading() as session:
            return list(session.exec(select(kind).where(kind.archive_id == archive_id).order_by(col(kind.id).desc())))

    def update_run(self, run: Run, **columns: Any) -> Run:
        """Set columns of a run and its heartbeat; returns the fresh row, with what the user wants meanwhile."""
        with self.writing() as session:
            row = self._run(session, type(run), run.id)
            for name, value in columns.items():
                if name not in type(run).model_fields:
                    raise ValueError(f"{type(run).__name__} has no column {name!r}")
                setattr(row, name, value)
            row.heartbeat = now()
            return row

    def ask_run(self, actor: int, run: Run, wanted: RunState) -> Run:
        """Ask a run to go on, pause or stop."""
        if wanted not in (RunState.RUNNING, RunState.PAUSED, RunState.STOPPED):
            raise ValueError(f"a run can be asked to run, pause or stop, not {wanted!r}")
        with self.writing() as session:
            acting(session, actor, Action.SCORE if isinstance(run, ScoreRun) else Action.IMPORT)
            row = self._run(session, type(run), run.id)
            row.wanted = wanted.value
            kind = "scoring" if isinstance(run, ScoreRun) else "import"
            append(session, actor, f"{kind}.asked", f"archive:{row.archive_id}", {"run": row.id, "wanted": row.wanted})
            return row

    def _upsert(self, session: Session, rows: Sequence[SQLModel], keys: tuple[str, ...]) -> None:
        if rows:
            names = _columns(type(rows[0]))
            statement = _upserting(type(rows[0]), keys, on_sqlite=self.is_sqlite)
            session.connection().execute(statement, [{name: getattr(row, name) for name in names} for row in rows])

    def save_scores(self, scores: Sequence[Score], discrepancies: Sequence[Discrepancy] = ()) -> None:
        """Keep scores in one transaction; the same version of a model replaces its row."""
        with self.writing() as session:
            self._upsert(session, scores, ("case_id", "system", "model", "weights_sha256", "version"))
            self._upsert(session, discrepancies, ("case_id", "models"))
            for case in session.exec(select(Case).where(col(Case.id).in_({s.case_id for s in scores if not s.error}))):
                advance(case, CaseState.SCORED)

    def save_discrepancies(self, rows: Sequence[Discrepancy]) -> None:
        """Keep discrepancies in one transaction; the same set of models replaces its row."""
        with self.writing() as session:
            self._upsert(session, rows, ("case_id", "models"))

    def machine_scores(self, archive_id: int) -> list[Score]:
        """All scores of an archive, for computing; a reader gets ``scores_for``."""
        with self.reading() as session:
            query = select(Score).join(Case, col(Score.case_id) == col(Case.id))
            return list(session.exec(query.where(Case.archive_id == archive_id).order_by(col(Score.id))))

    def machine_discrepancies(self, archive_id: int) -> list[Discrepancy]:
        """All discrepancies of an archive, made of all: a reader is told what the worklist makes of the open ones."""
        with self.reading() as session:
            query = select(Discrepancy).join(Case, col(Discrepancy.case_id) == col(Case.id))
            return list(session.exec(query.where(Case.archive_id == archive_id).order_by(col(Discrepancy.id))))

    def scored(self, archive_id: int, system: str, model: str, identity: Identity) -> set[int]:
        """Cases that this version of a model has answered; a resumed run leaves them out."""
        with self.reading() as session:
            query = (
                select(Score.case_id)
                .join(Case, col(Score.case_id) == col(Case.id))
                .where(
                    Case.archive_id == archive_id,
                    Score.system == system,
                    Score.model == model,
                    Score.weights_sha256 == identity[0],
                    Score.version == identity[1],
                    Score.error == "",
                )
            )
            return set(session.exec(query))

    def add_drift(self, row: DriftReading) -> DriftReading:
        """Keep a comparison of incoming scores with the calibration set."""
        with self.writing() as session:
            session.add(row)
            session.flush()
            return row

    def drift(self, system: str | None = None, archive_id: int | None = None) -> list[DriftReading]:
        """Comparisons, newest first."""
        query = select(DriftReading).order_by(col(DriftReading.id).desc())
        if system is not None:
            query = query.where(DriftReading.system == system)
        if archive_id is not None:
            query = query.where(DriftReading.archive_id == archive_id)
        with self.reading() as session:
            return list(session.exec(query))
