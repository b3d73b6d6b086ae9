"""The smaller things the store keeps: overruled gates, saved views, the trail to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlmodel import and_, col, delete, or_, select

from core.errors import StoreError
from core.review.cases import clean
from core.review.database import Database
from core.review.people import Action, acting
from core.review.tables import AuditEntry, Case, Overrule, SavedView
from core.review.trail import append, record


class Desk(Database):
    """Overrules, views, audit notes."""

    def overrule(
        self,
        reader: int,
        *,
        content_hash: str,
        system: str,
        gate: str,
        gate_score: float | None = None,
        case_id: int | None = None,
        reason: str = "",
    ) -> Overrule:
        """Keep that a user looked at the models' answers although the gate had stopped the image."""
        score = None if gate_score is None or not math.isfinite(gate_score) else float(gate_score)
        row = Overrule(
            case_id=case_id,
            content_hash=content_hash,
            system=system,
            gate=clean(gate),
            gate_score=score,
            reader=reader,
            reason=clean(reason),
        )
        with self.writing() as session:
            acting(session, reader, Action.OVERRULE)
            record(session, reader, "gate.overruled", f"image:{content_hash}", row, system=system)
        return row

    def overrules(self, content_hash: str) -> list[Overrule]:
        """Who overruled the gate on an image, oldest first."""
        with self.reading() as session:
            query = select(Overrule).where(Overrule.content_hash == content_hash).order_by(col(Overrule.id))
            return list(session.exec(query))

    def overruled(self, archive_id: int, reader: int) -> set[int]:
        """Cases of an archive on whose image the reader overruled the gate, for the system that reads them."""
        with self.reading() as session:
            mine = select(Case.id).join(
                Overrule,
                and_(
                    col(Overrule.system) == col(Case.system),
                    or_(col(Overrule.case_id) == col(Case.id), col(Overrule.content_hash) == col(Case.content_hash)),
                ),
            )
            found = session.exec(mine.where(Case.archive_id == archive_id, Overrule.reader == reader))
            return {number for number in found if number is not None}

    def save_view(self, owner: int, name: str, content: dict[str, Any], shared: bool = False) -> SavedView:
        """Keep a worklist view under a name; saving again replaces it."""
        name = clean(name).strip()
        if not name:
            raise StoreError("A view needs a name.")
        with self.writing() as session:
            acting(session, owner, Action.VIEW)
            view = session.exec(select(SavedView).where(SavedView.owner == owner, SavedView.name == name)).first()
            view = view or SavedView(owner=owner, name=name)
            view.content, view.shared = content, shared
            session.add(view)
            session.flush()
            return view

    def views(self, owner: int) -> list[SavedView]:
        """A user's own views and the shared ones, by name."""
        with self.reading() as session:
            mine = or_(col(SavedView.owner) == owner, col(SavedView.shared))
            return list(session.exec(select(SavedView).where(mine).order_by(col(SavedView.name), col(SavedView.id))))

    def drop_view(self, owner: int, name: str) -> None:
        """Throw one of one's own views away."""
        with self.writing() as session:
            session.exec(delete(SavedView).where(col(SavedView.owner) == owner, col(SavedView.name) == name))

    def note(self, actor: int, action: str, subject: str, payload: Mapping[str, Any] | None = None) -> AuditEntry:
        """Add something that happened outside the store to the audit trail (a report made, a session ended)."""
        with self.writing() as session:
            acting(session, actor)
            return append(session, actor, action, subject, payload or {})

    def audit_trail(self, subject: str | None = None, limit: int | None = None) -> list[AuditEntry]:
        """Entries, newest first."""
        query = select(AuditEntry).order_by(col(AuditEntry.seq).desc())
        if subject is not None:
            query = query.where(AuditEntry.subject == subject)
        with self.reading() as session:
            return list(session.exec(query.limit(limit)))
