"""Who may see the models' answers on a case. The one place that decides; pages and API only ask."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.errors import BlindingError
from core.review.audit import record
from core.review.cases import clean, found_case
from core.review.database import Database
from core.review.kinds import Mode
from core.review.people import Action, acting
from core.review.tables import Adjudication, Archive, Case, CaseFile, Discrepancy, Reveal, Score

_REMEDY = "Record and lock your own opinion first."


def _waiting(reader: int) -> ColumnElement[bool]:
    """Cases (joined with their archive) whose content this reader has neither read blind, nor unblinded, nor judged.

    The same content in two archives counts once: who has read it blind in one has been shown the answers, and can no
    longer read it blind in the other.
    """
    twin = aliased(Case)
    same = col(twin.content_hash) == col(Case.content_hash)
    seen = exists().where(col(Reveal.case_id) == col(twin.id), col(Reveal.reader) == reader, same)
    judged = exists().where(col(Adjudication.case_id) == col(twin.id), col(Adjudication.arbiter) == reader, same)
    return and_(col(Archive.mode) == Mode.SECOND_READER.value, ~seen, ~judged)


def _hidden(session: Session, hashes: set[str], reader: int) -> list[int]:
    inside = exists().where(col(CaseFile.case_id) == col(Case.id), col(CaseFile.sha256).in_(hashes))
    query = (
        select(Case.id)
        .join(Archive, col(Case.archive_id) == col(Archive.id))
        .where(_waiting(reader), or_(col(Case.content_hash).in_(hashes), inside))
        .order_by(col(Case.id))
    )
    return [number for number in session.exec(query) if number is not None]


def _pairs(session: Session, which: ColumnElement[bool]) -> list[tuple[int, str]]:
    """Case and hash of each content and file of the cases that fit."""
    studies = select(Case.id, Case.content_hash).join(Archive, col(Case.archive_id) == col(Archive.id)).where(which)
    files = (
        select(Case.id, CaseFile.sha256)
        .join(Archive, col(Case.archive_id) == col(Archive.id))
        .join(CaseFile, col(CaseFile.case_id) == col(Case.id))
        .where(which)
    )
    return [(number or 0, content) for number, content in (*session.exec(studies), *session.exec(files))]


def released(session: Session, case: Case, reader: int) -> bool:
    """Whether the models' answers on a case may be shown to a reader: not while any case that holds one of its images
    waits for their blind opinion, this one or another archive's."""
    files = session.exec(select(CaseFile.sha256).where(CaseFile.case_id == case.id))
    return not _hidden(session, {case.content_hash, *files}, reader)


def was_revealed(session: Session, case: Case, reader: int) -> bool:
    """Whether the models' answers on this content were released to the reader before."""
    query = select(Reveal).join(Case, col(Reveal.case_id) == col(Case.id))
    query = query.where(Reveal.reader == reader, Case.content_hash == case.content_hash)
    return session.exec(query.limit(1)).first() is not None


class Blinding(Database):
    """The models' answers, for those who may see them."""

    def reveal_allowed(self, case_id: int, reader: int) -> bool:
        """Whether ``scores_for`` would answer."""
        with self.reading() as session:
            acting(session, reader, Action.VIEW)
            return released(session, found_case(session, case_id), reader)

    def _released(self, session: Session, case_id: int, reader: int) -> None:
        acting(session, reader, Action.VIEW)
        if not released(session, found_case(session, case_id), reader):
            raise BlindingError("The models' answers on this case are not released to you yet.", _REMEDY)

    def scores_for(self, case_id: int, reader: int) -> list[Score]:
        """The models' answers on a case, for a reader whose blind opinion is locked.

        Raises:
            BlindingError: it is not.
            NotAllowedError: the user may not look at cases.
        """
        with self.reading() as session:
            self._released(session, case_id, reader)
            return list(session.exec(select(Score).where(Score.case_id == case_id).order_by(col(Score.id))))

    def discrepancy_for(self, case_id: int, reader: int) -> Discrepancy | None:
        """The newest discrepancy of a case; its reason names the models' answers. Raises as ``scores_for``."""
        with self.reading() as session:
            self._released(session, case_id, reader)
            query = select(Discrepancy).where(Discrepancy.case_id == case_id)
            return session.exec(query.order_by(col(Discrepancy.created).desc()).limit(1)).first()

    def hidden_by_content(self, content_hashes: Iterable[str], reader: int) -> list[int]:
        """Cases with one of these contents (study or file SHA-256) that wait for this reader's blind opinion.

        No model may answer the reader on such an image, wherever it is uploaded.
        """
        with self.reading() as session:
            return _hidden(session, set(content_hashes), reader)

    def revealed(self, archive_id: int, reader: int) -> set[int]:
        """Cases of an archive whose model columns a list may show to the reader."""
        with self.reading() as session:
            acting(session, reader, Action.VIEW)
            closed = _pairs(session, _waiting(reader))
            hidden = {content for _, content in closed}
            mine = _pairs(session, col(Case.archive_id) == archive_id)
            return {number for number, _ in mine} - {number for number, content in mine if content in hidden}

    def unblind(self, case_id: int, reader: int, reason: str) -> Reveal:
        """Let a lead see the models' answers on a case without reading it; they cannot read it blind afterwards."""
        with self.writing() as session:
            acting(session, reader, Action.UNBLIND)
            found_case(session, case_id)
            row = session.exec(select(Reveal).where(Reveal.case_id == case_id, Reveal.reader == reader)).first()
            if row is None:
                row = Reveal(case_id=case_id, reader=reader, why=clean(reason) or "unblinded")
                record(session, reader, "outputs.unblinded", f"case:{case_id}", row)
            return row
