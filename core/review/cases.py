"""Archives and their cases: what was imported, from where, and how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.errors import NotFoundError, StoreError
from core.review.kept.images import Images
from core.review.people import Action, People, acting
from core.review.pseudonyms import Pseudonyms
from core.review.tables import Archive, Case, CaseFile, ImportFile, RecordedReader
from core.review.trail import decide
from core.review.vocabulary import CaseState, FileRole, Mode, Outcome

_ORDER = [state.value for state in CaseState]


def found_case(session: Session, case_id: int) -> Case:
    """The case of an id. Raises ``NotFoundError``."""
    case = session.get(Case, case_id)
    if case is None:
        raise NotFoundError(f"There is no case {case_id}.")
    return case


def found_archive(session: Session, archive_id: int) -> Archive:
    """The archive of an id. Raises ``NotFoundError``."""
    archive = session.get(Archive, archive_id)
    if archive is None:
        raise NotFoundError(f"There is no archive {archive_id}.")
    return archive


def advance(case: Case, state: CaseState) -> None:
    """Move a case forward, never back."""
    if _ORDER.index(state.value) > _ORDER.index(case.state):
        case.state = state.value


def clean(text: str) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class Cases(Images, People):
    """Archives, cases and what became of each imported file."""

    def add_archive(self, actor: int, name: str, note: str = "", mode: Mode = Mode.SECOND_READER) -> Archive:
        """Make an empty archive.

        Raises:
            NotAllowedError: the actor may not import.
            StoreError: the name is empty or taken.
        """
        name = clean(name).strip()
        if not name:
            raise StoreError("An archive needs a name.")
        with self.writing() as session:
            acting(session, actor, Action.IMPORT)
            if session.exec(select(Archive).where(Archive.name == name)).first():
                raise StoreError(f"There is an archive named {name!r} already.", "Choose another name.")
            archive = Archive(name=name, note=clean(note), mode=Mode(mode).value, created_by=actor)
            session.add(archive)
            session.flush()
            decide(session, actor, "archive.added", f"archive:{archive.id}", archive, mode=archive.mode)
            return archive

    def archives(self) -> list[Archive]:
        """All archives, newest first."""
        with self.reading() as session:
            return list(session.exec(select(Archive).order_by(col(Archive.id).desc())))

    def archive(self, archive_id: int) -> Archive:
        """The archive of an id. Raises ``NotFoundError``."""
        with self.reading() as session:
            return found_archive(session, archive_id)

    def open_archive(self, actor: int, archive_id: int, reason: str) -> Archive:
        """Show the models' answers of an archive to everybody, for good: nobody can read it blind afterwards."""
        with self.writing() as session:
            acting(session, actor, Action.UNBLIND)
            archive = found_archive(session, archive_id)
            if archive.mode != Mode.OPEN:
                archive.mode = Mode.OPEN.value
                decide(session, actor, "archive.opened", f"archive:{archive_id}", archive, reason=clean(reason))
            return archive

    def add_case(
        self,
        actor: int,
        archive_id: int,
        *,
        content_hash: str,
        source: str,
        files: Sequence[tuple[str, str, int, FileRole]],
        patient: str = "",
        system: str | None = None,
        recorded_finding: bool | None = None,
        recorded_label: str | None = None,
        recorded_text: str = "",
        recorded_reader: str | None = None,
        team: str = "",
        study_date: str | None = None,
        simulated: bool = False,
        details: dict[str, Any] | None = None,
        import_path: str | None = None,
        run_id: int | None = None,
    ) -> tuple[Case, bool]:
        """Add a case whose images are kept already, or return the one with the same content.

        Args:
            actor: user number.
            archive_id: where to.
            content_hash: SHA-256 of the study.
            source: what to call it; no file name, since those name people: a pseudonym.
            files: name, SHA-256 (from ``put_image``), size in bytes and role of each file, in order.
            patient: pseudonym.
            system: key of the system that reads it, once matched.
            recorded_finding: whether the recorded diagnosis names a finding.
            recorded_label: class of the recorded diagnosis.
            recorded_text: its words.
            recorded_reader: who wrote it, as the source says; becomes a pseudonym and a number.
            team: that reader's group.
            study_date: ISO date.
            simulated: true for phantoms.
            details: anything else the importer wants to keep, as JSON.
            import_path: path within the import's source; noted as done in the same transaction.
            run_id: the import run.

        Returns:
            The case, and whether it is new.
        """
        with self.writing() as session:
            acting(session, actor, Action.IMPORT)
            found_archive(session, archive_id)
            same = select(Case).where(Case.archive_id == archive_id, Case.content_hash == content_hash)
            case = session.exec(same).first()
            new = case is None
            if case is None:
                case = Case(
                    archive_id=archive_id,
                    content_hash=content_hash,
                    source=clean(source),
                    patient=clean(patient),
                    system=system,
                    recorded_finding=recorded_finding,
                    recorded_label=recorded_label,
                    recorded_text=clean(recorded_text),
                    recorded_reader=self._recorded_reader(session, recorded_reader, team),
                    study_date=study_date,
                    simulated=simulated,
                    details=details or {},
                )
                session.add(case)
                session.flush()
                for position, (name, sha256, size, role) in enumerate(files):
                    kept = FileRole(role).value
                    file = CaseFile(
                        case_id=case.id or 0, position=position, sha256=sha256, name=clean(name), size=size, role=kept
                    )
                    session.add(file)
                decide(session, actor, "case.added", f"case:{case.id}", case)
            if import_path is not None:
                outcome = Outcome.ADDED if new else Outcome.DUPLICATE
                size = sum(entry[2] for entry in files)
                self._note(session, archive_id, import_path, outcome, run_id=run_id, size=size, case_id=case.id)
            return case, new

    def _recorded_reader(self, session: Session, name: str | None, team: str) -> int | None:
        if not name or not name.strip():
            return None
        name = Pseudonyms.of(self.images_folder).reader(clean(name))
        reader = session.exec(select(RecordedReader).where(RecordedReader.name == name)).first()
        if reader is None:
            reader = RecordedReader(name=name, team=clean(team))
            session.add(reader)
            session.flush()
        return reader.number

    @staticmethod
    def _note(session: Session, archive_id: int, path: str, outcome: Outcome, **columns: Any) -> None:
        path = clean(path)
        query = select(ImportFile).where(ImportFile.archive_id == archive_id, ImportFile.path == path)
        row = session.exec(query).first()
        if row is None:
            row = ImportFile(archive_id=archive_id, path=path, outcome=outcome.value)
        elif row.outcome == Outcome.ADDED and outcome == Outcome.DUPLICATE and row.case_id == columns.get("case_id"):
            return  # the very file again, after an interrupted import
        row.outcome = outcome.value
        for name, value in columns.items():
            setattr(row, name, clean(value) if isinstance(value, str) else value)
        session.add(row)

    def note_import(
        self,
        archive_id: int,
        path: str,
        outcome: Outcome,
        *,
        run_id: int | None = None,
        size: int = 0,
        case_id: int | None = None,
        reason: str = "",
        remedy: str = "",
    ) -> None:
        """Note what became of one file of an import; a later note on the same path replaces it."""
        with self.writing() as session:
            columns = {"run_id": run_id, "size": size, "case_id": case_id, "reason": reason, "remedy": remedy}
            self._note(session, archive_id, path, outcome, **columns)

    def imported_paths(self, archive_id: int) -> set[str]:
        """Paths that an import need not read again."""
        with self.reading() as session:
            return set(session.exec(select(ImportFile.path).where(ImportFile.archive_id == archive_id)))

    def import_report(self, archive_id: int) -> list[ImportFile]:
        """What became of every file, in path order."""
        with self.reading() as session:
            query = select(ImportFile).where(ImportFile.archive_id == archive_id).order_by(col(ImportFile.path))
            return list(session.exec(query))

    def case(self, case_id: int) -> Case:
        """The case of an id. Raises ``NotFoundError``."""
        with self.reading() as session:
            return found_case(session, case_id)

    def cases(self, archive_id: int) -> list[Case]:
        """Cases of an archive in the order they came."""
        with self.reading() as session:
            return list(session.exec(select(Case).where(Case.archive_id == archive_id).order_by(col(Case.id))))

    def of_patient(self, case_id: int) -> list[Case]:
        """Other cases of the same patient in the same archive, the latest examination first, undated ones last."""
        with self.reading() as session:
            case = found_case(session, case_id)
            if not case.patient:
                return []
            same = select(Case).where(Case.archive_id == case.archive_id, Case.patient == case.patient)
            found = session.exec(same.where(Case.id != case_id).order_by(col(Case.id)))
            return sorted(found, key=lambda one: one.study_date or "", reverse=True)

    def case_files(self, case_id: int) -> list[CaseFile]:
        """Files of a case, in order."""
        with self.reading() as session:
            query = select(CaseFile).where(CaseFile.case_id == case_id).order_by(col(CaseFile.position))
            return list(session.exec(query))

    def case_bytes(self, case_id: int) -> list[tuple[str, bytes]]:
        """Name and bytes of a case's images, in order, as ``core.imaging`` reads them."""
        return [(f.name, self.image(f.sha256)) for f in self.case_files(case_id) if f.role == FileRole.IMAGE]

    def recorded_readers(self) -> dict[int, RecordedReader]:
        """Writers of recorded diagnoses by number, under their pseudonyms."""
        with self.reading() as session:
            return {reader.number or 0: reader for reader in session.exec(select(RecordedReader))}
