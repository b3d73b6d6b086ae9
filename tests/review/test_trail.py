"""The audit trail notices every change, names the first broken entry, and is a plain SHA-256 chain."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.review import Role, Stage, Store
from core.review.trail import verify
from tests.review.casebook import archive, case, lock, person


@pytest.fixture
def kept(sqlite_store: Store) -> Store:
    """A store whose trail has a dozen entries."""
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    place = archive(sqlite_store)
    for number in range(3):
        found = case(sqlite_store, place, bytes([number]))
        lock(sqlite_store, found.id, reader)
    lock(sqlite_store, 1, reader, Stage.FINAL)
    return sqlite_store


def _meddle(store: Store, *statements: str, triggers: bool = False) -> None:
    """Change the file behind the store's back: protection off, meddle, protection back on."""
    with closing(sqlite3.connect(str(store.engine.url.database))) as raw:
        saved = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in saved:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        if not triggers:
            for _, statement in saved:
                raw.execute(statement)
        raw.commit()


def _entries(store: Store) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(str(store.engine.url.database))) as raw:
        raw.row_factory = sqlite3.Row
        return [dict(row) for row in raw.execute("SELECT * FROM audit_entries ORDER BY seq")]


def test_the_chain_is_what_an_outsider_computes(kept: Store) -> None:
    previous = "0" * 64
    entries = _entries(kept)
    for number, entry in enumerate(entries, start=1):
        claimed = entry.pop("sha256")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry["seq"] == number
        assert entry["previous"] == previous
        assert hashlib.sha256(text.encode()).hexdigest() == claimed
        previous = claimed
    found = verify(kept)
    assert (found.ok, found.entries, found.head) == (True, len(entries), previous)
    assert [e["action"] for e in entries].count("opinion.locked") == 4


@pytest.mark.parametrize("column", ["time", "actor", "action", "subject", "payload", "previous", "sha256"])
def test_a_changed_entry_is_named(kept: Store, column: str) -> None:
    value = "7" if column == "actor" else f"'{'f' * 64}'"
    _meddle(kept, f"UPDATE audit_entries SET {column} = {value} WHERE seq = 5")
    found = verify(kept)
    assert (found.ok, found.first_broken, found.entries) == (False, 5, 4)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM audit_entries WHERE seq = 4", 4),
        ("UPDATE audit_entries SET seq = seq + 100 WHERE seq = 3", 3),
        ("DELETE FROM audit_entries WHERE seq = 1", 1),
    ],
)
def test_a_missing_entry_is_named(kept: Store, statement: str, broken: int) -> None:
    _meddle(kept, statement)
    assert verify(kept).first_broken == broken


def _locked(store: Store, opinion: int) -> int:
    """Number of the entry that vouches for an opinion."""
    rows = [(e["seq"], json.loads(e["payload"]).get("row")) for e in _entries(store)]
    return next(seq for seq, row in rows if row and (row["table"], row["id"]) == ("opinions", opinion))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE opinions SET finding = 1 WHERE id = 2",
        "UPDATE opinions SET confidence = confidence + 1 WHERE id = 2",
        "UPDATE opinions SET comment = 'x' WHERE id = 2",
        "UPDATE opinions SET locked_at = started WHERE id = 2",
        "DELETE FROM opinions WHERE id = 2",
    ],
)
def test_a_changed_opinion_is_traced_to_its_entry(kept: Store, change: str) -> None:
    expected = _locked(kept, 2)
    _meddle(kept, change)
    found = verify(kept)
    assert (found.ok, found.first_broken) == (False, expected)
    assert "opinions row 2" in found.reason


def test_a_smuggled_opinion_has_no_entry(kept: Store) -> None:
    _meddle(
        kept,
        "INSERT INTO opinions SELECT 99, case_id, reader, 'open', 1, label, confidence, marks, comment, started, "
        "locked_at, seconds FROM opinions WHERE id = 2",
    )
    found = verify(kept)
    assert not found.ok
    assert found.reason == "opinions row 99 has no entry"


def test_a_chain_cut_short_is_noticed_by_a_head_noted_before(kept: Store) -> None:
    kept.note(1, "report.made", "case:1")
    head = verify(kept).head
    assert verify(kept, head).ok
    _meddle(kept, "DELETE FROM audit_entries WHERE action = 'report.made'")
    assert verify(kept).ok  # nothing else hangs on that entry: only the head noted elsewhere can tell
    assert not verify(kept, head).ok


def test_removed_protection_is_noticed(kept: Store) -> None:
    _meddle(kept, triggers=True)
    found = verify(kept)
    assert not found.ok
    assert "opinions_no_update" in found.reason


def test_entries_hold_no_patient_data(sqlite_store: Store) -> None:
    reader, place = person(sqlite_store, "reader", Role.REVIEWER), archive(sqlite_store)
    found = case(sqlite_store, place, patient="PSEUDONYM", recorded_text="DIAGNOSIS", recorded_reader="Dr READER")
    lock(sqlite_store, found.id, reader, comment="COMMENT")
    text = json.dumps(_entries(sqlite_store))
    assert not [word for word in ("PSEUDONYM", "DIAGNOSIS", "READER", "COMMENT", "scan.png") if word in text]


@pytest.mark.parametrize("act", [lambda s: s.note(999, "x.y", "z"), lambda s: s.set_roles(2, 2, [Role.ADMIN])])
def test_what_is_refused_leaves_no_entry(kept: Store, act: Callable[[Store], Any], tmp_path: Path) -> None:
    before = _entries(kept)
    with pytest.raises(Exception, match=r"no user|role"):
        act(kept)
    assert _entries(kept) == before
