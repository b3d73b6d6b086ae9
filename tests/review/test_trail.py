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
from sqlalchemy import text

from core.review import Radpeer, Role, Sided, Stage, Store
from core.review.noted_head import FILE
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
    assert "cut or rolled back" in verify(kept).reason  # noted beside the store with the last write
    seq, sha256 = verify(kept).entries, verify(kept).head
    (kept.images_folder.parent / FILE).write_text(f"{seq} {sha256}\n")
    assert verify(kept).ok  # nothing else hangs on that entry: only a head noted elsewhere can tell then
    assert not verify(kept, head).ok


def test_a_database_rolled_back_to_an_older_copy_is_noticed(kept: Store, tmp_path: Path) -> None:
    file = Path(str(kept.engine.url.database))
    with closing(sqlite3.connect(file)) as raw, closing(sqlite3.connect(tmp_path / "older")) as older:
        raw.backup(older)
    kept.set_roles(1, 2, [Role.LEAD])
    assert verify(kept).ok
    kept.close()
    for rest in ("", "-wal", "-shm"):
        file.with_name(file.name + rest).unlink(missing_ok=True)
    file.write_bytes((tmp_path / "older").read_bytes())
    again = Store.open(str(file.parent))
    assert "cut or rolled back" in verify(again).reason
    again.close()


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE users SET roles = '[\"admin\"]' WHERE number = 2", "users row 2"),
        ("UPDATE users SET active = 0 WHERE number = 2", "users row 2"),
        ("INSERT INTO users (number, issuer, subject, name, roles, active, created) VALUES "
         "(9, 'i', 's', 'n', '[\"admin\"]', 1, '2026-01-01T00:00:00.000000Z')", "users row 9 has no entry"),
        ("UPDATE archives SET mode = 'open'", "archives row 1"),
        ("UPDATE cases SET recorded_finding = 1 WHERE id = 2", "cases row 2"),
        ("UPDATE cases SET recorded_label = 'x' WHERE id = 3", "cases row 3"),
        ("UPDATE case_files SET sha256 = '" + "0" * 64 + "' WHERE case_id = 1", "cases row 1"),
        ("DELETE FROM case_files WHERE case_id = 3", "cases row 3"),
        ("UPDATE arbitrations SET closed = NULL", "arbitrations row 1"),
        ("DELETE FROM arbitrations", "damaged|arbitrations row 1"),
    ],
)  # fmt: skip
def test_what_decides_and_was_changed_is_named(kept: Store, statement: str, row: str) -> None:
    lead = person(kept, "lead", Role.LEAD, Role.ARBITER)
    kept.peer_review(1, 2, Radpeer.EXPECTED_MATTERS)
    kept.adjudicate(1, lead, finding=True, label=None, sided=Sided.REVIEWER)
    assert verify(kept).ok
    _meddle(kept, statement)
    found = verify(kept)
    assert not found.ok
    assert any(words in found.reason for words in row.split("|"))


def test_a_damaged_file_is_told_and_no_crash(kept: Store) -> None:
    file = Path(str(kept.engine.url.database))
    kept.close()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(file.read_bytes())
    for at in range(8 * 4096, len(data), 4096):
        data[at : at + 200] = b"\x5a" * 200
    file.write_bytes(data)
    found = verify(kept)
    assert not found.ok
    assert "damaged" in found.reason


def test_removed_protection_is_noticed(kept: Store) -> None:
    _meddle(kept, triggers=True)
    found = verify(kept)
    assert not found.ok
    assert "opinions_no_update" in found.reason


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        # The right name, and nothing behind it.
        (
            (
                "DROP TRIGGER opinions_no_update",
                "CREATE TRIGGER opinions_no_update BEFORE UPDATE ON opinions BEGIN SELECT 1; END",
            ),
            "opinions_no_update (trigger, altered)",
        ),
        (
            (
                "DROP TRIGGER audit_entries_no_delete",
                "CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries WHEN 0 "
                "BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
            ),
            "audit_entries_no_delete (trigger, altered)",
        ),
        # One trigger more, which makes an admin of whoever signs in.
        (
            ("CREATE TRIGGER more AFTER INSERT ON users BEGIN UPDATE users SET roles = '[\"admin\"]'; END",),
            "more (trigger, not Overread's)",
        ),
        (
            ("ALTER TABLE saved_views RENAME TO kept", "CREATE VIEW saved_views AS SELECT * FROM kept"),
            "saved_views (table, missing)",
        ),
        (("ALTER TABLE users ADD COLUMN more TEXT",), "users (table, altered)"),
    ],
    ids=["hollow", "never", "one more", "view", "column"],
)
def test_protection_that_only_looks_so_is_noticed(kept: Store, statements: tuple[str, ...], words: str) -> None:
    with closing(sqlite3.connect(str(kept.engine.url.database))) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()
    found = verify(kept)
    assert not found.ok
    assert words in found.reason


def test_what_others_lay_beside_the_tables_is_not_minded(kept: Store) -> None:
    with closing(sqlite3.connect(str(kept.engine.url.database))) as raw:
        raw.execute("CREATE TABLE notes_of_the_hospital (text TEXT)")
        raw.execute("CREATE VIEW readers AS SELECT name FROM users")
        raw.commit()
    assert verify(kept).ok


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE opinions DISABLE TRIGGER opinions_no_change", "opinions_no_change (trigger, altered)"),
        ("ALTER TABLE opinions ENABLE REPLICA TRIGGER opinions_no_change", "opinions_no_change (trigger, altered)"),
        ("DROP TRIGGER reveals_no_change ON reveals", "reveals_no_change (trigger, missing)"),
        (
            "CREATE OR REPLACE FUNCTION overread_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NULL; END $$",
            "opinions_no_change (trigger, altered)",
        ),
        ("CREATE RULE quiet AS ON UPDATE TO opinions DO INSTEAD NOTHING", "quiet (rule, not Overread's)"),
        (
            "CREATE TRIGGER more AFTER INSERT ON users EXECUTE FUNCTION overread_append_only()",
            "more (trigger, not Overread's)",
        ),
    ],
    ids=["off", "replica", "gone", "hollow", "rule", "one more"],
)
def test_so_it_is_in_postgres(postgres_store: Store, statement: str, words: str) -> None:
    postgres_store.local_user()
    assert verify(postgres_store).ok
    with postgres_store.writing() as session:
        session.connection().execute(text(statement))
        found = verify(postgres_store, session=session)
        session.rollback()
    assert not found.ok
    assert words in found.reason


@pytest.mark.parametrize("spoilt", [None, b"", b"1\n", b"\xff\xfe"])
def test_a_store_without_its_noted_head_is_not_called_whole(kept: Store, spoilt: bytes | None) -> None:
    note = kept.images_folder.parent / FILE
    assert verify(kept).ok
    if spoilt is None:
        note.unlink()
    else:
        note.write_bytes(spoilt)
    found = verify(kept)
    assert not found.ok
    assert "no head is noted" in found.reason
    kept.add_archive(1, "the next entry")
    assert verify(kept).ok


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
