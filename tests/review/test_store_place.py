"""Where the store lies, how it is made and migrated, and its images on disk."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from core.errors import NotFoundError, StoreDamagedError, StoreError
from core.places import HOME
from core.review import Store, default_folder
from core.review.database import place
from core.review.kept.images import write_atomically
from core.review.schema import newest, revision
from tests.review.casebook import archive, case


def test_the_migrated_database_is_what_the_tables_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert revision(store.engine) == newest()


def test_sqlite_is_safe_for_many_and_survives_a_power_cut(sqlite_store: Store) -> None:
    with sqlite_store.reading() as session:
        settings = {
            name: session.connection().execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 60_000}


def test_a_store_of_a_newer_program_is_left_alone(sqlite_store: Store) -> None:
    path = str(sqlite_store.engine.url.database)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version"):
        Store.open(str(Path(path).parent))
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OVERREAD_STORE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    home = tmp_path / ".local/share/overread"
    assert default_folder() == home
    assert place() == (f"sqlite:///{home}/overread.sqlite", home / "images")
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "else"))
    assert place() == (f"sqlite:///{tmp_path}/else/overread.sqlite", tmp_path / "else/images")
    url = "postgresql+pg8000://me:secret@db/overread"
    monkeypatch.setenv("OVERREAD_STORE", url)
    assert place() == (url, home / "images")
    assert place(images_folder=tmp_path / "pictures") == (url, tmp_path / "pictures")
    assert place(f"sqlite:///{tmp_path}/a/b.sqlite") == (f"sqlite:///{tmp_path}/a/b.sqlite", tmp_path / "a/images")


@pytest.mark.parametrize("inside", [HOME, HOME / "data" / "store"])
def test_patient_data_never_lands_in_the_repository(inside: Path, tmp_path: Path) -> None:
    for where, images in ((str(inside), None), (f"sqlite:///{inside}/x.sqlite", None), (str(tmp_path), inside)):
        with pytest.raises(StoreError, match="program's own folder"):
            place(where, images)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(StoreError):
        Store.connect(url)


def test_a_broken_file_and_a_deaf_server_are_named_without_the_password(tmp_path: Path) -> None:
    (tmp_path / "overread.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(str(tmp_path))
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Store.open("postgresql+pg8000://me:secret@127.0.0.1:1/x", tmp_path / "images")
    assert "secret" not in str(caught.value)


def test_images_are_kept_once_under_their_hash_and_for_their_owner_only(sqlite_store: Store) -> None:
    data = os.urandom(5000)
    sha256 = sqlite_store.put_image(data)
    path = sqlite_store.image_path(sha256)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert path == sqlite_store.images_folder / sha256[:2] / sha256
    before = path.stat().st_mtime_ns
    assert sqlite_store.put_image(data) == sha256
    assert path.stat().st_mtime_ns == before
    assert sqlite_store.image(sha256) == data
    assert (path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077) == (0, 0)
    database = Path(str(sqlite_store.engine.url.database))
    assert data[:64] not in database.read_bytes() + database.with_name("overread.sqlite-wal").read_bytes()


def test_a_damaged_image_is_not_handed_out_and_can_be_mended(sqlite_store: Store) -> None:
    sha256 = sqlite_store.put_image(b"scan")
    sqlite_store.image_path(sha256).write_bytes(b"scam")
    with pytest.raises(StoreDamagedError):
        sqlite_store.image(sha256)
    sqlite_store.image_path(sha256).write_bytes(b"")  # what a full disk leaves
    sqlite_store.put_image(b"scan")
    assert sqlite_store.image(sha256) == b"scan"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_hashes_name_images(sqlite_store: Store, name: str) -> None:
    with pytest.raises(NotFoundError):
        sqlite_store.image(name)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError("disk is full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="Make room"):
        write_atomically(tmp_path / "file", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_the_same_content_is_one_case_of_an_archive(store: Store) -> None:
    place_ = archive(store)
    first = case(store, place_, recorded_reader="Dr A", team="North")
    again, new = store.add_case(
        1, place_, content_hash=first.content_hash, source="copy.png", files=[], import_path="b/copy.png"
    )
    assert (again.id, new) == (first.id, False)
    assert [(f.path, f.outcome, f.case_id) for f in store.import_report(place_)] == [
        ("b/copy.png", "duplicate", first.id)
    ]
    assert store.imported_paths(place_) == {"b/copy.png"}
    other = case(store, archive(store, "Other"), recorded_reader=" Dr A ")
    assert (other.id, other.recorded_reader) == ((first.id or 0) + 1, first.recorded_reader)
    assert store.recorded_readers()[first.recorded_reader or 0].team == "North"
