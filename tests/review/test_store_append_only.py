"""Raw SQL cannot change what was decided: the database itself refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.review import Radpeer, Role, Sided, Store
from core.review.tables import APPEND_ONLY
from core.review.trail import verify
from tests.review.casebook import archive, case, lock, person
from tests.teaching import school

TABLES = sorted(str(table.__tablename__) for table in APPEND_ONLY)


@pytest.fixture
def full(store: Store) -> Store:
    """A store with at least one row in every append-only table."""
    reader, arbiter = person(store, "reader", Role.REVIEWER), person(store, "arbiter", Role.ARBITER)
    found = case(store, archive(store))
    assert found.id
    lock(store, found.id, reader, finding=True)
    store.peer_review(found.id, reader, Radpeer.EXPECTED_MATTERS)
    store.adjudicate(found.id, arbiter, finding=True, label="glioma", sided=Sided.REVIEWER)
    store.overrule(reader, content_hash="c" * 64, system="brain-mr", gate="photo", gate_score=0.1)
    school.lesson(store)
    return store


REFUSED = (DatabaseError, sqlite3.DatabaseError)


def _execute(store: Store, statement: str, raw: bool = True) -> None:
    """Run SQL as somebody would who opens the database with another program."""
    if store.is_sqlite and raw:
        with closing(sqlite3.connect(str(store.engine.url.database))) as connection, connection:
            connection.execute(statement)
        return
    with store.writing() as session:
        session.connection().execute(text(statement))


def test_every_decision_is_append_only() -> None:
    decisions = ["adjudications", "audit_entries", "opinions", "overrules", "peer_reviews", "quiz_answers"]
    decisions.append("reveals")
    assert decisions == TABLES


def test_rows_can_be_neither_changed_nor_deleted_nor_replaced(full: Store) -> None:
    with full.reading() as session:
        before = {name: session.connection().execute(text(f"SELECT * FROM {name}")).all() for name in TABLES}
    key = {name: "seq" if name == "audit_entries" else "id" for name in TABLES}
    for name in TABLES:
        assert before[name]
        attempts = [f"UPDATE {name} SET {key[name]} = {key[name]}", f"DELETE FROM {name}"]
        if full.is_sqlite:
            attempts.append(f"INSERT OR REPLACE INTO {name} SELECT * FROM {name}")
            attempts.append(f"UPDATE OR REPLACE {name} SET {key[name]} = 1")
        else:
            attempts.append(f"TRUNCATE {name} CASCADE")
            conflict = f"ON CONFLICT ({key[name]}) DO UPDATE SET {key[name]} = 99"
            attempts.append(f"INSERT INTO {name} SELECT * FROM {name} {conflict}")
        for attempt in attempts:
            with pytest.raises(REFUSED, match=f"{name} is append-only"):
                _execute(full, attempt)
    with full.reading() as session:
        after = {name: session.connection().execute(text(f"SELECT * FROM {name}")).all() for name in TABLES}
    assert after == before
    assert verify(full).ok


def test_replacing_by_another_key_is_refused_too(full: Store) -> None:
    """An insert that collides only in what makes a row unique must not push the old row out."""
    copied = "case_id, reader, stage, finding, {}, marks, comment, started, locked_at, seconds"
    verb, reason = ("INSERT OR REPLACE", "append-only") if full.is_sqlite else ("INSERT", "unique|duplicate")
    with pytest.raises(REFUSED, match=reason):
        _execute(
            full,
            f"{verb} INTO opinions ({copied.format('confidence')}) SELECT {copied.format('1')} FROM opinions",
        )


def test_what_opinions_rest_on_cannot_be_deleted(full: Store) -> None:
    for name in ("cases", "users", "archives", "arbitrations"):
        with pytest.raises(REFUSED, match=r"(?i)foreign key"):
            _execute(full, f"DELETE FROM {name}", raw=False)
