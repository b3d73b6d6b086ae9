"""A store on a full disk, without rights, locked by another, cut off from its server, with its clock put back."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from core.errors import StoreError
from core.review import Role, Stage, Store, database, vocabulary
from core.review.database import DATABASE
from core.review.trail import verify
from tests.review import faults, postgres
from tests.review.casebook import archive, case, person

COUNT = 12


@pytest.fixture
def place(made_sqlite: Path) -> Iterator[Path]:
    """Folder of a store that others than its owner reach too."""
    with tempfile.TemporaryDirectory(prefix="overread-faults-") as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(made_sqlite, Path(folder) / "store")
        yield Path(folder) / "store"


def _filled(store: Store) -> tuple[list[int], int]:
    reader, number = person(store, "reader", Role.REVIEWER), archive(store)
    return [case(store, number, bytes([n])).id or 0 for n in range(COUNT)], reader


def _in_another(work: Callable[..., None], *given: object) -> list[object]:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=work, args=(*given, theirs))
    process.start()
    theirs.close()
    told = faults.heard(mine)
    process.join(timeout=60)
    assert process.exitcode == 0
    return told


def _opinions(store: Store, cases: list[int], reader: int) -> set[object]:
    return {one.id for number in cases for one in store.opinions(number, reader)}


def test_on_a_full_disk_what_was_told_is_kept_and_the_rest_is_told(place: Path) -> None:
    store = Store.open(str(place))
    cases, reader = _filled(store)
    store.close()
    told = _in_another(faults.on_a_full_disk, str(place), cases, reader)
    kept = {one for one in told if isinstance(one, int)}
    refused = [one for one in told if isinstance(one, tuple)]
    assert len(told) == COUNT
    assert refused
    assert all(remedy and ("disk" in said.lower() or "database" in said) for said, remedy in refused), refused
    again = Store.open(str(place))
    assert _opinions(again, cases, reader) >= kept
    assert verify(again).ok
    assert again.opinions(cases[-1], reader) == []
    faults._lock(again, cases[-1], reader)  # with room again it goes on
    again.close()


def test_without_rights_nothing_is_written_and_that_is_told(place: Path) -> None:
    store = Store.open(str(place))
    cases, reader = _filled(store)
    before = verify(store)
    store.close()
    for path in [*place.rglob("*"), place]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    told = _in_another(faults.without_rights, str(place), cases, reader)
    place.chmod(0o755)
    for path in place.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert told
    assert all(isinstance(one, tuple) and one[1] for one in told), told
    again = Store.open(str(place))
    assert verify(again) == before
    again.close()


def test_a_database_that_another_holds_is_told_and_free_again_it_works(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    store = Store.open(str(place))
    cases, reader = _filled(store)
    holder = sqlite3.connect(place / DATABASE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="cannot be written to") as told:
        faults._lock(store, cases[0], reader)
    assert told.value.remedy
    holder.execute("ROLLBACK")
    holder.close()
    assert store.opinions(cases[0], reader) == []
    faults._lock(store, cases[0], reader)
    assert verify(store).ok
    store.close()


def test_a_clock_put_back_breaks_neither_order_nor_proof(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(str(place))
    cases, reader = _filled(store)
    faults._lock(store, cases[0], reader)

    class Back(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=400)

    monkeypatch.setattr(vocabulary, "datetime", Back)
    assert vocabulary.now() < datetime.now(UTC) - timedelta(days=399)
    faults._lock(store, cases[1], reader)
    assert store.opinion(cases[1], reader, Stage.BLIND) is not None
    assert verify(store).ok
    entries = store.audit_trail(limit=4)  # two an opinion
    assert [one.seq for one in entries] == list(range(entries[0].seq, entries[0].seq - 4, -1))
    assert entries[0].time < entries[-1].time  # told as it was
    store.close()


def _cut_off(store: Store, opened: Callable[[], AbstractContextManager[Session]]) -> None:
    """Within a transaction, have the server end all connections but the one that asks for it."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name"
    with opened() as session:
        name = session.connection().execute(text("SELECT current_database()")).scalar()
        with store.engine.connect() as other:
            other.execute(text(others), {"name": name})
        session.connection().execute(text("SELECT 1"))


def test_a_lost_server_is_told_and_back_again_it_goes_on(postgres_store: Store) -> None:
    store = postgres_store
    cases, reader = _filled(store)
    for opened in (store.writing, store.reading, store.snapshot):
        with pytest.raises(StoreError) as told:
            _cut_off(store, opened)
        assert told.value.remedy
    faults._lock(store, cases[0], reader)
    assert verify(store).ok


@pytest.mark.parametrize("moment", ["before_cursor_execute", "commit"])
def test_a_server_that_stops_within_an_opinion_loses_none_and_back_again_it_goes_on(
    moment: str, tmp_path: Path
) -> None:
    """Stopped as a power cut stops it, at the opinion's row or when all is written but not yet committed."""
    server = postgres.Server()
    try:
        server.start()
        store = Store.open(postgres.new_database(server.address, "faults"), tmp_path / "images")
        cases, reader = _filled(store)
        told = {faults._lock(store, one, reader) for one in cases[:3]}

        def stopping(*given: object) -> None:
            if moment == "commit" or "INSERT INTO opinion" in str(given[2]):
                server.stop()

        event.listen(store.engine, moment, stopping)
        with pytest.raises(StoreError) as refused:
            faults._lock(store, cases[3], reader)
        event.remove(store.engine, moment, stopping)
        assert refused.value.remedy
        with pytest.raises(StoreError) as down:
            faults._lock(store, cases[4], reader)
        assert down.value.remedy
        server.start()
        assert _opinions(store, cases, reader) == told  # the refused one is not there by half
        told |= {faults._lock(store, one, reader) for one in cases[3:5]}
        assert _opinions(store, cases, reader) == told
        assert verify(store).ok
        store.close()
    finally:
        server.remove()
