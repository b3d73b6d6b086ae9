"""Readers' opinions: drafts that survive a reload, and locked answers that nobody can change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session, col, delete, select

from core.errors import AlreadyLockedError, BlindingError, NotAllowedError, StoreError
from core.review.blinding import released, was_revealed
from core.review.cases import advance, clean, found_archive, found_case
from core.review.database import Database
from core.review.people import Action, acting, allowed
from core.review.tables import Arbitration, Case, Draft, Opinion, Reveal, Score
from core.review.trail import record
from core.review.vocabulary import CaseState, Mode, Stage, now
from core.review.votes import vote_of

_Row = TypeVar("_Row", Opinion, Draft)
_MARKS = {"point": ("x", "y"), "box": ("x", "y", "width", "height")}


def checked_marks(marks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Marks as they are kept: kind, slice, and finite numbers in image pixels. Raises ``StoreError``."""
    kept = []
    for mark in marks:
        kind, names = mark.get("kind"), _MARKS.get(str(mark.get("kind")), ())
        try:
            values = {name: float(mark[name]) for name in names}
            index = int(mark.get("slice", 0))
        except (KeyError, TypeError, ValueError):
            names = ()
            values, index = {}, 0
        sizes = [values[name] for name in ("width", "height") if name in values]
        if not names or index < 0 or not all(map(math.isfinite, values.values())) or any(s <= 0 for s in sizes):
            raise StoreError("A mark is a point (x, y) or a box (x, y, width, height) on a slice.", "Draw it again.")
        kept.append({"kind": kind, "slice": index, **values})
    return kept


@dataclass(frozen=True)
class Change:
    """What a reader changed between the blind and the final opinion.

    Attributes:
        finding_changed: finding became clear, or the other way round.
        label_changed: another class.
        confidence_change: final minus blind, in percentage points.
        towards_models: whether a changed finding went to the side that most of the models that vote take; ``None``
            when it did not change or the vote is a tie.
    """

    finding_changed: bool
    label_changed: bool
    confidence_change: int
    towards_models: bool | None


class Opinions(Database):
    """Drafts and locked opinions."""

    def save_draft(self, case_id: int, reader: int, stage: Stage, content: dict[str, Any]) -> Draft:
        """Keep what a reader has entered so far. The first save fixes ``started``; later ones keep it.

        Raises:
            AlreadyLockedError: the opinion is locked.
        """
        stage = Stage(stage)
        with self.writing() as session:
            acting(session, reader, Action.READ)
            found_case(session, case_id)
            if self._find(session, Opinion, case_id, reader, stage):
                raise AlreadyLockedError("This opinion is locked.", "A changed mind goes into the final opinion.")
            draft = self._find(session, Draft, case_id, reader, stage)
            if draft is None:
                draft = Draft(case_id=case_id, reader=reader, stage=stage.value)
            draft.content, draft.saved = content, now()
            session.add(draft)
            session.flush()
            return draft

    def draft(self, case_id: int, reader: int, stage: Stage) -> Draft | None:
        """The reader's own draft."""
        with self.reading() as session:
            return self._find(session, Draft, case_id, reader, Stage(stage))

    def drop_draft(self, case_id: int, reader: int, stage: Stage) -> None:
        """Throw a draft away."""
        with self.writing() as session:
            self._drop_draft(session, case_id, reader, Stage(stage))

    @staticmethod
    def _drop_draft(session: Session, case_id: int, reader: int, stage: Stage) -> None:
        mine = (col(Draft.case_id) == case_id, col(Draft.reader) == reader, col(Draft.stage) == stage.value)
        session.exec(delete(Draft).where(*mine))

    @staticmethod
    def _find(session: Session, table: type[_Row], case_id: int, reader: int, stage: Stage) -> _Row | None:
        query = select(table).where(table.case_id == case_id, table.reader == reader, table.stage == stage.value)
        return session.exec(query).first()

    def _may_lock(self, session: Session, case: Case, reader: int, stage: Stage) -> None:
        assert case.id is not None
        if self._find(session, Opinion, case.id, reader, stage):
            raise AlreadyLockedError(f"Your {stage} opinion on this case is locked already.")
        if stage is Stage.BLIND:
            if found_archive(session, case.archive_id).mode == Mode.OPEN:
                raise BlindingError("This archive is open: nothing in it can be read blind.", "Record an open opinion.")
            if was_revealed(session, case, reader):
                raise BlindingError(
                    "The models' answers on this image were shown to you: it can no longer be read blind.",
                    "Record an open opinion.",
                )
        elif stage is Stage.FINAL:
            if not self._find(session, Opinion, case.id, reader, Stage.BLIND):
                raise BlindingError("A final opinion follows a blind one.", "Lock your blind opinion first.")
        elif self._find(session, Opinion, case.id, reader, Stage.BLIND):
            raise AlreadyLockedError("You have read this case blind.", "Record a final opinion.")
        elif not released(session, case, reader):
            raise BlindingError("This case is read blind first.", "Lock your blind opinion.")

    def lock_opinion(
        self,
        case_id: int,
        reader: int,
        stage: Stage,
        *,
        finding: bool,
        label: str | None,
        confidence: int,
        marks: Sequence[Mapping[str, Any]] = (),
        comment: str = "",
        started: datetime,
        seconds: float,
    ) -> Opinion:
        """Keep a reader's answer for good. When this returns it survives a kill and a power cut.

        Args:
            case_id: the case.
            reader: user number.
            stage: blind (releases the models' answers to this reader), final, or open.
            finding: whether the reader sees a finding.
            label: class of the case's system, or ``None``.
            confidence: 0 to 100 %.
            marks: points and boxes in image pixels, see ``Opinion``.
            comment: the reader's words.
            started: when the reading began.
            seconds: reading time.

        Raises:
            AlreadyLockedError: there is an opinion of this stage already.
            BlindingError: the stage does not fit what the reader has seen.
            NotAllowedError: the user is no reviewer.
            StoreError: a mark or number is out of range.
        """
        stage = Stage(stage)
        if not 0 <= confidence <= 100 or not math.isfinite(seconds) or seconds < 0:
            raise StoreError("Confidence is 0 to 100 %, reading time is not negative.", "Correct the entry.")
        opinion = Opinion(
            case_id=case_id,
            reader=reader,
            stage=stage.value,
            finding=bool(finding),
            label=None if label is None else clean(label),
            confidence=int(confidence),
            marks=checked_marks(marks),
            comment=clean(comment),
            started=started,
            seconds=float(seconds),
        )
        with self.writing() as session:
            acting(session, reader, Action.READ)
            case = found_case(session, case_id)
            self._may_lock(session, case, reader, stage)
            record(session, reader, "opinion.locked", f"case:{case_id}", opinion, stage=stage.value)
            if stage is Stage.BLIND:
                shown = Reveal(case_id=case_id, reader=reader, why="blind opinion locked")
                record(session, reader, "outputs.revealed", f"case:{case_id}", shown)
            advance(case, CaseState.READING if stage is Stage.BLIND else CaseState.READ)
            self._drop_draft(session, case_id, reader, stage)
        return opinion

    def opinion(self, case_id: int, reader: int, stage: Stage) -> Opinion | None:
        """The reader's own locked opinion of a stage."""
        with self.reading() as session:
            return self._find(session, Opinion, case_id, reader, Stage(stage))

    def opinions(self, case_id: int, reader: int) -> list[Opinion]:
        """Opinions on a case that a reader may see, oldest first: their own, and those of others once the models'
        answers are released to them; an arbiter sees all on a case in the queue."""
        with self.reading() as session:
            user = acting(session, reader, Action.VIEW)
            case = found_case(session, case_id)
            query = select(Opinion).where(Opinion.case_id == case_id).order_by(col(Opinion.locked_at), col(Opinion.id))
            found = list(session.exec(query))
            queued = session.exec(select(Arbitration).where(Arbitration.case_id == case_id)).first() is not None
            if released(session, case, reader) or (queued and allowed(user, Action.ARBITRATE)):
                return found
            return [opinion for opinion in found if opinion.reader == reader]

    def change_of_mind(self, case_id: int, reader: int) -> Change | None:
        """What changed between a reader's blind and final opinion; ``None`` until both are locked."""
        with self.reading() as session:
            blind = self._find(session, Opinion, case_id, reader, Stage.BLIND)
            final = self._find(session, Opinion, case_id, reader, Stage.FINAL)
            if blind is None or final is None:
                return None
            shown = select(Score).where(Score.case_id == case_id, Score.created <= final.locked_at)
            # The newest answer of each model that was there to be seen when the final opinion was locked.
            answers = {(s.system, s.model): s for s in session.exec(shown.order_by(col(Score.created)))}
            system_name = found_case(session, case_id).system
        own = [s for s in answers.values() if s.system == system_name] or list(answers.values())
        changed, side = blind.finding != final.finding, vote_of(own).decided
        return Change(
            finding_changed=changed,
            label_changed=blind.label != final.label,
            confidence_change=final.confidence - blind.confidence,
            towards_models=final.finding == side if changed and side is not None else None,
        )


def need_opinion(session: Session, case_id: int, reader: int) -> None:
    """Raise ``NotAllowedError`` unless the reader has locked an opinion on the case."""
    query = select(Opinion).where(Opinion.case_id == case_id, Opinion.reader == reader)
    if session.exec(query.limit(1)).first() is None:
        raise NotAllowedError("A recorded diagnosis is scored after reading the case.", "Lock your opinion first.")
