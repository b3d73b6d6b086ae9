"""Backup of the whole store into one zip file with checksums, and its restoration."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from core.errors import BackupDamagedError, StoreDamagedError, StoreError
from core.places import sha256_of
from core.review import noted_head
from core.review.database import DATABASE, IMAGES, place
from core.review.exchange import (
    MANIFEST,
    Carried,
    import_all,
    intact_images,
    last_link,
    manifest,
    named_images,
    need_images,
    read_manifest,
    write_rows,
)
from core.review.kept.images import sync_folder, told_disk_errors
from core.review.pseudonyms import KEY_BYTES, KEY_FILE
from core.review.schema import newest, revision
from core.review.store import Store
from core.review.trail import GENESIS, verify

BESIDE = KEY_FILE  # without it known patients would get new pseudonyms; what turns paths back stays at home
_BLOCK = 1 << 20
_LARGEST_MANIFEST = 1 << 29  # a line of some 150 bytes an image: three million of them


def _copy_database(store: Store, folder: Path) -> tuple[list[str], str, dict[str, int]]:
    """One moment of the database in ``folder``; returns the images it names, the head of its trail, and row counts."""
    if not store.is_sqlite:
        with store.snapshot() as session:
            connection = session.connection()
            rows = write_rows(connection, folder)
            return named_images(connection), last_link(connection), rows
    copy = folder / DATABASE
    with closing(sqlite3.connect(str(store.engine.url.database))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    engine = create_engine(f"sqlite:///{copy}")
    with engine.connect() as connection:
        images, head = named_images(connection), last_link(connection)
    engine.dispose()
    return images, head, {}


def backup(store: Store, path: Path) -> Carried:
    """Copy the store, as it is at one moment, into a zip file, while others go on working.

    A SQLite database travels as a file, PostgreSQL as JSON lines. Images are added to a store and never changed, so
    those that the copied database names are copied after it.

    Raises:
        StoreError: the file exists, or it cannot be written.
        StoreDamagedError: the store's own trail does not verify: a copy of it would pass for the store.
    """
    found = verify(store)
    if not found.ok:
        raise StoreDamagedError(
            f"The store is not sound: {found.reason}.", "Keep it as it is, and restore the last backup elsewhere."
        )
    with told_disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise StoreError(f"{path} exists.", "Name a new file: a backup never replaces another.") from None
        try:
            return _write(store, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write(store: Store, path: Path) -> Carried:
    files: dict[str, dict[str, object]] = {}
    missing: list[str] = []
    with tempfile.TemporaryDirectory(prefix=".overread-backup-", dir=path.parent) as scratch:
        folder = Path(scratch) / "database"
        folder.mkdir()
        hashes, head, rows = _copy_database(store, folder)
        packed = Path(scratch) / "backup.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            key = store.images_folder.parent / BESIDE
            for file in sorted(p for p in folder.rglob("*") if p.is_file()) + ([key] if key.is_file() else []):
                name = BESIDE if file == key else str(file.relative_to(folder))
                archive.write(file, name, compress_type=zipfile.ZIP_DEFLATED)
                files[name] = {"sha256": sha256_of(file), "size": file.stat().st_size}
            for name, data in intact_images(store, hashes, missing):
                archive.writestr(name, data)
                files[name] = {"sha256": Path(name).name, "size": len(data)}
            archive.writestr(MANIFEST, manifest("sqlite" if store.is_sqlite else "rows", head, files, rows, missing))
        packed.chmod(0o600)
        with packed.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(packed, path)
    sync_folder(path.parent)
    size = sum(int(str(entry["size"])) for entry in files.values())
    return Carried(rows, len(hashes) - len(missing), size, tuple(missing), head)


def _unpack(path: Path, folder: Path) -> dict[str, object]:
    """Unpack what the manifest names, checking every byte. Raises ``BackupDamagedError``."""
    try:
        with zipfile.ZipFile(path) as archive:
            with archive.open(MANIFEST) as source:
                content = read_manifest(source.read(_LARGEST_MANIFEST))  # what is cut off is no manifest
            names = [name for name in archive.namelist() if name != MANIFEST]
            if sorted(names) != sorted(content["files"]):
                raise BackupDamagedError("The backup does not hold the files that its manifest names.")
            for name, entry in content["files"].items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                digest, left = hashlib.sha256(), entry["size"]
                with archive.open(name) as source, target.open("wb") as sink:
                    while block := source.read(min(_BLOCK, left + 1)):
                        left -= len(block)
                        if left < 0:
                            break
                        digest.update(block)
                        sink.write(block)
                    sink.flush()
                    os.fsync(sink.fileno())
                if left != 0 or digest.hexdigest() != entry["sha256"]:
                    raise BackupDamagedError(f"{name} in the backup was changed.", "Use another copy.")
            if BESIDE in content["files"] and int(content["files"][BESIDE]["size"]) != KEY_BYTES:
                raise BackupDamagedError("The key of the pseudonyms in the backup is none.", "Use another copy.")
            (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")
            return content
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, OSError, RuntimeError, zlib.error) as error:
        raise BackupDamagedError(f"{path.name} cannot be unpacked.", "Use another copy.") from error


def restore(path: Path, where: str) -> Carried:
    """Make a store from a backup, or nothing at all.

    Args:
        path: the zip file.
        where: a folder that is empty or does not exist, or for a backup of PostgreSQL also the URL of an empty
            database.

    Raises:
        BackupDamagedError: a byte of it was changed, or its audit trail does not verify.
        StoreError: there is a store already, or the place does not fit the backup.
    """
    address, images = place(where)
    folder = images.parent
    if "://" not in where and folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty.", "Restore into a new folder, then move it.")
    with told_disk_errors():
        return _restore(path, where, address, images)


def _restore(path: Path, where: str, address: str, images: Path) -> Carried:
    folder = images.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".restoring-", dir=folder.parent))
    try:
        content = _unpack(path, scratch)
        if content["kind"] == "rows":
            if "://" in where:
                return _restore_rows(scratch, address, images)
            made = Path(tempfile.mkdtemp(prefix=".restoring-", dir=folder.parent))
            try:
                carried = _restore_rows(scratch, *place(str(made)))
                _settle(made, folder)
                return carried
            finally:
                shutil.rmtree(made, ignore_errors=True)
        if "://" in where:
            raise StoreError("This is a backup of a SQLite store.", "Restore it into a folder, then export and import.")
        return _restore_folder(scratch, folder, content)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _restore_rows(scratch: Path, address: str, images: Path) -> Carried:
    store = Store.open(address, images)
    try:
        carried = import_all(scratch, store)
    finally:
        store.close()
    if (scratch / BESIDE).is_file():
        shutil.copy2(scratch / BESIDE, images.parent / BESIDE)
    return carried


def _revision(database: Path) -> str | None:
    engine = create_engine(f"sqlite:///{database}")
    try:
        return revision(engine)
    finally:
        engine.dispose()


def _settle(made: Path, folder: Path) -> None:
    """Put what is complete where it belongs."""
    made.chmod(0o700)
    if folder.exists():
        folder.rmdir()
    made.rename(folder)
    sync_folder(folder.parent)


def _restore_folder(scratch: Path, folder: Path, content: dict[str, object]) -> Carried:
    (scratch / IMAGES).mkdir(exist_ok=True)
    try:
        written_at = _revision(scratch / DATABASE)
        store = Store.open(str(scratch))
    except (StoreError, DBAPIError, ValueError) as error:
        raise BackupDamagedError("The database in the backup cannot be opened.", "Use another copy.") from error
    try:
        found = verify(store, str(content["head"]) or None, noted=False)
        if found.ok:
            with store.reading() as session:
                need_images(session.connection(), content)
    finally:
        store.close()
    older = written_at != newest()  # bringing it up to date added to the trail
    same = found.head == (content["head"] or GENESIS)
    if not found.ok or content["revision"] != written_at or not (older or same):
        why = found.reason or "the manifest tells of another database"
        raise BackupDamagedError(f"The audit trail does not verify: {why}.", "Use another copy.")
    (scratch / MANIFEST).unlink()
    if found.head:
        noted_head.note(scratch, found.entries, found.head)
    _settle(scratch, folder)
    files = content["files"]
    assert isinstance(files, dict)
    size = sum(int(entry["size"]) for entry in files.values())
    missing = content["missing"]
    assert isinstance(missing, list)
    return Carried({}, sum(name.startswith("images/") for name in files), size, tuple(missing), found.head)
