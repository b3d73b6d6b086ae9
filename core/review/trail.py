"""The audit trail: a chain of hashes over every decision, and the check that nothing was changed behind its back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col, select

from core.errors import StoreDamagedError
from core.review import decided, noted_head
from core.review.canonical import canonical
from core.review.database import Database
from core.review.schema import meddled
from core.review.tables import APPEND_ONLY, AuditEntry
from core.review.vocabulary import now, stamp

GENESIS = "0" * 64
_CHUNK = 1000


def digest(row: SQLModel) -> str:
    """SHA-256 of all columns of a row."""
    columns = {name: getattr(row, name) for name in type(row).model_fields}
    return hashlib.sha256(canonical(columns).encode()).hexdigest()


def _link(entry: AuditEntry) -> str:
    columns = {name: getattr(entry, name) for name in AuditEntry.model_fields if name != "sha256"}
    return hashlib.sha256(canonical(columns).encode()).hexdigest()


def append(session: Session, actor: int, action: str, subject: str, payload: Mapping[str, Any]) -> AuditEntry:
    """Add a link to the chain within a write transaction.

    Args:
        session: of ``Database.writing``, which lets one writer in at a time.
        actor: user number.
        action: what was done, as ``noun.verb``.
        subject: what it was done to, as ``kind:id``.
        payload: details; never a patient's data.
    """
    last = session.exec(select(AuditEntry).order_by(col(AuditEntry.seq).desc()).limit(1)).first()
    entry = AuditEntry(
        seq=last.seq + 1 if last else 1,
        time=stamp(now()),
        actor=actor,
        action=action,
        subject=subject,
        payload=canonical(dict(payload)),
        previous=last.sha256 if last else GENESIS,
        sha256="",
    )
    entry.sha256 = _link(entry)
    session.add(entry)
    session.flush()
    session.info["head"] = (entry.seq, entry.sha256)
    return entry


def decide(session: Session, actor: int, action: str, subject: str, *rows: SQLModel, **payload: Any) -> AuditEntry:
    """Add a link that holds the digests of rows that decide something, as they stand now."""
    session.add_all(rows)
    session.flush()
    return append(session, actor, action, subject, {**payload, "states": [decided.state(session, r) for r in rows]})


def record(
    session: Session, actor: int, action: str, subject: str, row: SQLModel, *changed: SQLModel, **payload: Any
) -> AuditEntry:
    """Add a row of an append-only table together with the link that holds its digest.

    Args:
        changed: rows that decide something and changed with it.
    """
    session.add(row)
    session.add_all(changed)
    session.flush()
    if changed:
        payload["states"] = [decided.state(session, one) for one in changed]
    kept = {"table": type(row).__tablename__, "id": row.id, "digest": digest(row)}  # type: ignore[attr-defined]
    return append(session, actor, action, subject, {**payload, "row": kept})


@dataclass(frozen=True)
class ChainVerdict:
    """Outcome of ``verify``.

    Attributes:
        ok: whether chain and rows are as they were written.
        entries: links read.
        first_broken: number of the first entry that is wrong, or whose row is; ``None`` when a row has no entry.
        reason: what is wrong, in words.
        head: hash of the last link. Keep it elsewhere: with it, a chain cut short is noticed too.
    """

    ok: bool
    entries: int
    head: str
    first_broken: int | None = None
    reason: str = ""


def _rows(session: Session) -> dict[tuple[str, int], str]:
    """Digest of every append-only row, by table and id."""
    found: dict[tuple[str, int], str] = {}
    for table in APPEND_ONLY:
        if table is not AuditEntry:
            name = str(table.__tablename__)
            for row in session.exec(select(table).execution_options(yield_per=_CHUNK)):
                found[name, row.id] = digest(row)  # type: ignore[attr-defined]
    return found


def _file_damage(database: Database, session: Session) -> str:
    """What SQLite's own check says of its file; empty when it is whole, and for PostgreSQL."""
    if not database.is_sqlite:
        return ""
    for pragma in ("integrity_check", "foreign_key_check"):
        said = [tuple(row) for row in session.connection().execute(text(f"PRAGMA {pragma}"))]
        if said not in ([], [("ok",)]):
            return " ".join(str(part) for part in said[0])
    return ""


def verify(
    database: Database, head: str | None = None, session: Session | None = None, *, noted: bool = True
) -> ChainVerdict:
    """Check the database file, the chain link by link, and every row that decides against the link written with it.

    The chain must still hold the head given, and the one noted beside the store with the last write.

    Args:
        database: an open store.
        head: hash of a link known from before; it must still be in the chain.
        session: the transaction to look in; a snapshot of its own by default.
        noted: whether a head must be noted beside the store; not while one is made from a backup or an export.
    """
    try:
        if session is not None:
            return _verify(database, session, head, noted)
        with database.snapshot() as snapshot:
            return _verify(database, snapshot, head, noted)
    except (DBAPIError, StoreDamagedError, ValueError, KeyError, TypeError) as error:
        # A page of the file, or a row, is no such thing.
        return ChainVerdict(False, 0, "", None, f"the database cannot be read ({type(error).__name__}): it is damaged")


def _verify(database: Database, session: Session, head: str | None, noted: bool) -> ChainVerdict:
    if harm := _file_damage(database, session):
        return ChainVerdict(False, 0, "", None, f"the database file is damaged: {harm}")
    rows = _rows(session)
    states: dict[tuple[str, int], tuple[str, int]] = {}
    beside = noted_head.noted(database.images_folder.parent)
    previous, count, seen_head, seen_noted = GENESIS, 0, head is None, beside is None

    def broken(reason: str, seq: int | None) -> ChainVerdict:
        return ChainVerdict(False, count, previous, seq, reason)

    for entry in session.exec(select(AuditEntry).order_by(col(AuditEntry.seq)).execution_options(yield_per=_CHUNK)):
        if entry.seq != count + 1:
            return broken(f"entry {count + 1} is missing", count + 1)
        if entry.previous != previous:
            return broken(f"entry {entry.seq} does not follow the entry before it", entry.seq)
        if entry.sha256 != _link(entry):
            return broken(f"entry {entry.seq} was changed", entry.seq)
        payload = json.loads(entry.payload)
        for one in payload.get("states", ()):
            states[one["table"], one["id"]] = (one["digest"], entry.seq)
        kept = payload.get("row")
        if kept is not None:
            found = rows.pop((kept["table"], kept["id"]), None)
            if found is None:
                return broken(f"{kept['table']} row {kept['id']} of entry {entry.seq} is gone", entry.seq)
            if found != kept["digest"]:
                return broken(f"{kept['table']} row {kept['id']} of entry {entry.seq} was changed", entry.seq)
        previous, count, seen_head = entry.sha256, count + 1, seen_head or entry.sha256 == head
        seen_noted = seen_noted or entry.sha256 == beside
    if rows:
        name, number = min(rows)
        return broken(f"{name} row {number} has no entry", None)
    if not seen_head:
        return broken("the chain no longer holds the head given: entries are missing at its end", count + 1)
    if noted and count and beside is None:
        return broken(
            f"no head is noted beside the store: without {noted_head.FILE} a database that was cut or rolled back "
            "would look whole (the next entry notes it anew)",
            None,
        )
    if not seen_noted:
        return broken("the chain ends before the head noted beside the store: it was cut or rolled back", count + 1)
    for one in decided.states(session):
        digest_then, seq = states.pop((one["table"], one["id"]), ("", 0))
        if not seq:
            return broken(f"{one['table']} row {one['id']} has no entry", None)
        if digest_then != one["digest"]:
            return broken(f"{one['table']} row {one['id']} is not what entry {seq} says", seq)
    if states:
        (name, number), (_, seq) = min(states.items(), key=lambda item: item[1][1])
        return broken(f"{name} row {number} of entry {seq} is gone", seq)
    if strange := meddled(session.connection(), [str(table.__tablename__) for table in APPEND_ONLY]):
        return broken(f"tables or their protection are not as Overread makes them: {', '.join(strange)}", None)
    return ChainVerdict(True, count, previous)
