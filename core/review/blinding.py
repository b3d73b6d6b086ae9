"""Who may see the models' answers on a case. The one place that decides; pages only ask."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, exists, union
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.errors import BlindingError
from core.review.cases import clean, found_case
from core.review.database import Database
from core.review.people import Action, acting
from core.review.tables import Adjudication, Archive, Case, CaseFile, Reveal, Score
from core.review.trail import record
from core.review.vocabulary import FileRole, Mode

_Value = TypeVar("_Value")
_CHUNK = 500  # databases limit the number of values in one statement
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


def _images(session: Session, cases: Iterable[int]) -> dict[int, tuple[str, set[str]]]:
    """Content hash and hashes of the images of cases. Reference masks do not count: empty ones are all alike."""
    numbers = list(cases)
    found: dict[int, tuple[str, set[str]]] = {}
    for number, content in session.exec(select(Case.id, Case.content_hash).where(col(Case.id).in_(numbers))):
        found[number or 0] = (content, set())
    files = select(CaseFile.case_id, CaseFile.sha256).where(col(CaseFile.case_id).in_(numbers))
    for number, sha256 in session.exec(files.where(CaseFile.role == FileRole.IMAGE.value)):
        found[number][1].add(sha256)
    return found


def _waiting_with(session: Session, hashes: Collection[str], reader: int) -> set[int]:
    """Cases with one of these contents or images that wait for the reader's blind opinion."""
    found: set[int] = set()
    for part in _parts(hashes):
        # First the few cases that hold one of them, by index, then what the reader has seen of those.
        studies = select(Case.id).where(col(Case.content_hash).in_(part))
        images = select(CaseFile.case_id).where(col(CaseFile.sha256).in_(part), CaseFile.role == FileRole.IMAGE.value)
        query = select(Case.id).join(Archive, col(Case.archive_id) == col(Archive.id))
        query = query.where(col(Case.id).in_(union(studies, images)), _waiting(reader))
        found |= {number for number in session.exec(query) if number is not None}
    return found


def _parts(values: Collection[_Value]) -> Iterator[list[_Value]]:
    rest = iter(values)
    while part := list(itertools.islice(rest, _CHUNK)):
        yield part


def _closed(session: Session, cases: Collection[int], reader: int) -> set[int]:
    """Those of the cases whose images wait for the reader's blind opinion, in them or in another case.

    Another case counts when its content is the same, or when the images of one are all among those of the other (a
    slice of a series); one black slice in common is no reason.
    """
    closed: set[int] = set()
    for part in _parts(cases):
        mine = _images(session, part)
        hashes = {h for content, images in mine.values() for h in (content, *images)}
        waiting = _images(session, _waiting_with(session, hashes, reader))
        contents = {content for content, _ in waiting.values()}
        holders: dict[str, list[set[str]]] = defaultdict(list)
        for _, images in waiting.values():
            for sha256 in images:
                holders[sha256].append(images)
        for number, (content, images) in mine.items():
            others = (other for sha256 in images for other in holders[sha256])
            if content in contents or any(images <= other or other <= images for other in others):
                closed.add(number)
    return closed


def released(session: Session, case: Case, reader: int) -> bool:
    """Whether the models' answers on a case may be shown to a reader: not while its images wait for their blind
    opinion, in this case or in another archive's."""
    return case.id not in _closed(session, [case.id or 0], reader)


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

    def hidden_by_content(self, content_hashes: Iterable[str], reader: int) -> list[int]:
        """Cases with one of these contents (study or file SHA-256) that wait for this reader's blind opinion.

        No model may answer the reader on such an image, wherever it is uploaded.
        """
        with self.reading() as session:
            return sorted(_waiting_with(session, set(content_hashes), reader))

    def revealed(self, archive_id: int, reader: int) -> set[int]:
        """Cases of an archive whose model columns a list may show to the reader."""
        with self.reading() as session:
            acting(session, reader, Action.VIEW)
            inside = select(Case.id).where(Case.archive_id == archive_id)
            joined = inside.join(Archive, col(Case.archive_id) == col(Archive.id))
            # What waits here itself is closed without looking further.
            rest = set(session.exec(inside)) - set(session.exec(joined.where(_waiting(reader))))
            numbers = {number for number in rest if number is not None}
            return numbers - _closed(session, numbers, reader)

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
