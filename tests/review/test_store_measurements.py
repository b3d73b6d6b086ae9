"""Measurements of a case: their reader's alone before his opinion is locked, closed with it, and under the trail."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.errors import NotAllowedError, NotFoundError, StoreError
from core.review import Mode, Radpeer, Role, Stage, Store
from core.review.backup import backup, restore
from core.review.trail import verify
from tests.review.casebook import archive, case, lock, person

SERIES, OTHER = "a" * 16, "b" * 16


def length(mm: float, index: int = 3) -> dict[str, Any]:
    """A length as the viewer tells it."""
    return {
        "id": f"id-{mm}",
        "kind": "length",
        "slice": index,
        "points": [[1.5, 2.0], [1.5 + mm, 2.0]],
        "values": {"length": mm, "unit": "mm"},
        "text": f"{mm:.1f} mm",
    }


def raw(store: Store) -> list[tuple[Any, ...]]:
    """Reader, series, stage and content of every row, as the database itself tells them."""
    assert store.is_sqlite
    with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
        query = "SELECT reader, series, stage, content FROM measurement_sets ORDER BY id"
        return [(*row[:3], json.loads(row[3])) for row in connection.execute(query)]


def test_they_read_back_by_series_and_are_nobody_elses(store: Store) -> None:
    first, second = person(store, "first", Role.REVIEWER), person(store, "second", Role.REVIEWER)
    found = case(store, archive(store)).id or 0
    store.keep_measurements(found, first, SERIES, [length(0.1 + 0.2), length(9.5, 0)])
    store.keep_measurements(found, first, OTHER, [length(7.0)])
    store.keep_measurements(found, second, SERIES, [length(5.0)])
    assert store.measurements(found, first) == {SERIES: [length(0.1 + 0.2), length(9.5, 0)], OTHER: [length(7.0)]}
    assert store.measurements(found, second) == {SERIES: [length(5.0)]}
    store.keep_measurements(found, first, OTHER, [])
    assert set(store.measurements(found, first)) == {SERIES}
    assert verify(store).ok


def test_another_reader_sees_them_with_the_opinions_and_no_sooner(store: Store) -> None:
    first, second = person(store, "first", Role.REVIEWER), person(store, "second", Role.REVIEWER)
    arbiter = person(store, "arbiter", Role.ARBITER)
    found = case(store, archive(store)).id or 0
    store.keep_measurements(found, first, SERIES, [length(4.0)])
    assert store.measured_by_others(found, second) == {}
    lock(store, found, first, finding=True)
    assert store.measured_by_others(found, second) == {}  # who has not read it yet must not be told
    assert store.measured_by_others(found, arbiter) == {}
    store.keep_measurements(found, second, SERIES, [length(6.0)])
    lock(store, found, second)
    assert store.measured_by_others(found, second) == {first: {SERIES: [length(4.0)]}}
    assert store.measured_by_others(found, first) == {second: {SERIES: [length(6.0)]}}
    store.keep_measurements(found, first, SERIES, [length(4.5)])  # of a final opinion that is not locked yet
    assert store.measured_by_others(found, second) == {first: {SERIES: [length(4.0)]}}
    lock(store, found, first, Stage.FINAL, finding=True)
    assert store.measured_by_others(found, second) == {first: {SERIES: [length(4.5)]}}
    store.peer_review(found, first, Radpeer.EXPECTED_MATTERS)
    assert set(store.measured_by_others(found, arbiter)) == {first, second}  # the case is in the queue now


def test_what_was_measured_before_the_models_were_seen_stays_as_it_was(sqlite_store: Store) -> None:
    store = sqlite_store
    reader = person(store, "reader", Role.REVIEWER)
    found = case(store, archive(store)).id or 0
    for mm in (1.0, 2.0):
        store.keep_measurements(found, reader, SERIES, [length(mm)])
    lock(store, found, reader)
    assert store.measurements(found, reader) == {SERIES: [length(2.0)]}
    assert store.keep_measurements(found, reader, SERIES, [length(2.0)]) is None  # told again, nothing new
    store.keep_measurements(found, reader, SERIES, [])
    assert store.measurements(found, reader) == {}
    lock(store, found, reader, Stage.FINAL)
    store.keep_measurements(found, reader, SERIES, [length(3.0)])
    assert raw(store) == [
        (reader, SERIES, "blind", [length(2.0)]),
        (reader, SERIES, "final", []),
        (reader, SERIES, "later", [length(3.0)]),
    ]
    assert store.measurements(found, reader) == {SERIES: [length(3.0)]}
    assert verify(store).ok


def test_those_of_an_open_archive_belong_to_the_open_opinion(sqlite_store: Store) -> None:
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    found = case(sqlite_store, archive(sqlite_store, mode=Mode.OPEN)).id or 0
    sqlite_store.keep_measurements(found, reader, SERIES, [length(1.0)])
    lock(sqlite_store, found, reader, Stage.OPEN)
    sqlite_store.keep_measurements(found, reader, SERIES, [length(2.0)])
    assert [row[2] for row in raw(sqlite_store)] == ["open", "later"]


def test_who_may_and_what_is_refused(store: Store) -> None:
    reader, student = person(store, "reader", Role.REVIEWER), person(store, "student", Role.STUDENT)
    found = case(store, archive(store)).id or 0
    with pytest.raises(NotAllowedError):
        store.keep_measurements(found, student, SERIES, [length(1.0)])
    with pytest.raises(NotAllowedError):
        store.measurements(found, student)
    with pytest.raises(NotFoundError):
        store.keep_measurements(99, reader, SERIES, [length(1.0)])
    for series, content in (("", [length(1.0)]), ("c" * 65, [length(1.0)]), (SERIES, [length(float("nan"))])):
        with pytest.raises(StoreError, match="no measurements of a series"):
            store.keep_measurements(found, reader, series, content)
    assert store.measurements(found, reader) == {}


def test_the_trail_says_that_and_when_not_what_and_notices_a_change(sqlite_store: Store) -> None:
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    found = case(sqlite_store, archive(sqlite_store)).id or 0
    sqlite_store.keep_measurements(found, reader, SERIES, [length(4.25)])
    entry = sqlite_store.audit_trail(f"case:{found}")[0]
    assert (entry.action, entry.actor) == ("measurements.kept", reader)
    assert set(json.loads(entry.payload)) == {"stage", "states"}
    assert "4.25" not in entry.payload
    with closing(sqlite3.connect(str(sqlite_store.engine.url.database))) as connection:
        connection.execute("UPDATE measurement_sets SET content = replace(content, '4.25', '4.75')")
        connection.commit()
    assert verify(sqlite_store).reason == f"measurement_sets row 1 is not what entry {entry.seq} says"
    with closing(sqlite3.connect(str(sqlite_store.engine.url.database))) as connection:
        connection.execute("DELETE FROM measurement_sets")
        connection.commit()
    assert "measurement_sets row 1" in verify(sqlite_store).reason


def test_a_backup_brings_them_back(sqlite_store: Store, tmp_path: Path) -> None:
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    found = case(sqlite_store, archive(sqlite_store)).id or 0
    sqlite_store.keep_measurements(found, reader, SERIES, [length(0.1 + 0.2)])
    backup(sqlite_store, tmp_path / "backup.zip")
    restore(tmp_path / "backup.zip", str(tmp_path / "again"))
    again = Store.open(str(tmp_path / "again"))
    assert again.measurements(found, reader) == {SERIES: [length(0.1 + 0.2)]}
    again.keep_measurements(found, reader, SERIES, [length(2.0)])
    assert verify(again).ok
    again.close()
