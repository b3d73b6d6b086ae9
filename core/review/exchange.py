"""Everything in the store as plain files: a JSON-lines file per table, the images, and a manifest with checksums.

Rows are written with sorted keys and read back value for value, so that the audit trail still verifies after an
import, into SQLite or PostgreSQL alike.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Table, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from core.errors import BackupDamagedError, NotFoundError, StoreDamagedError, StoreError
from core.places import sha256_of
from core.review.canonical import canonical
from core.review.database import DATABASE
from core.review.kept.images import image_file, sync_folder, told_disk_errors, write_atomically
from core.review.schema import newest
from core.review.store import Store
from core.review.trail import GENESIS, verify
from core.review.vocabulary import Moment, now, stamp

MANIFEST = "manifest.json"
FORMAT = "overread-store-1"
README = "README.txt"
CONTENTS = """What this export holds about people

Patients, files, folders and the writers of recorded diagnoses are pseudonyms; the two files that turn pseudonyms back
(pseudonyms.key, names.key) are not here. Images hold no name, number, birth date, comment or private text.

It does hold: dates and times of examinations, the images' DICOM instance, series and study identifiers, sex, age,
weight and size of patients; recorded diagnoses and comments as people wrote them; names, e-mail addresses and sign-in
identifiers of users; names and notes of archives; and what is in the pixels, burned-in text included. A hospital can
find its patients again by the identifiers and dates. Handle it as patient data.
"""
_NAME = re.compile(r"README\.txt|rows/[a-z_]+\.jsonl|images/[0-9a-f]{2}/[0-9a-f]{64}|overread\.sqlite|pseudonyms\.key")
_CHUNK = 500


_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0)]


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    sha256: _Sha256
    size: _Count


class _Manifest(BaseModel):
    """What a manifest must hold; it came with the files and is no more to be trusted than they are."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: str
    kind: str
    revision: str
    made: str
    head: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    rows: dict[str, _Count]
    missing: list[_Sha256]
    files: dict[str, _Entry]


@dataclass(frozen=True)
class Carried:
    """What a backup, export, restore or import moved.

    Attributes:
        rows: number of rows, by table (empty where the database travels as a file).
        images: number of images. size: bytes of all files.
        missing: images that the database names but the disk does not hold (intact); they are lost already.
        head: hash of the audit trail's last entry: note it down, it proves later that nothing was cut off.
    """

    rows: dict[str, int]
    images: int
    size: int
    missing: tuple[str, ...]
    head: str


def tables() -> list[Table]:
    """All tables, those referred to first."""
    return list(SQLModel.metadata.sorted_tables)


def rows_file(table: str) -> str:
    """Name of a table's file within a backup or export."""
    return f"rows/{table}.jsonl"


def checked_name(name: str) -> str:
    """A name that a manifest may hold; anything else could lead outside the folder."""
    if not _NAME.fullmatch(name):
        raise BackupDamagedError(f"The manifest names a file that does not belong there ({name[:80]!r}).")
    return name


def write_rows(connection: Connection, folder: Path) -> dict[str, int]:
    """Write every table to ``rows/TABLE.jsonl``; returns the number of rows of each."""
    (folder / "rows").mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    for table in tables():
        counts[table.name] = 0
        with (folder / rows_file(table.name)).open("w", encoding="utf-8", newline="\n") as file:
            query = select(table).order_by(*table.primary_key.columns)
            for row in connection.execution_options(yield_per=_CHUNK).execute(query).mappings():
                file.write(canonical(dict(row)) + "\n")
                counts[table.name] += 1
    return counts


def named_images(connection: Connection) -> list[str]:
    """Hashes of all images that cases refer to."""
    files = SQLModel.metadata.tables["case_files"]
    return sorted(connection.execute(select(files.c.sha256).distinct()).scalars())


def need_images(connection: Connection, content: dict[str, Any]) -> None:
    """Refuse a backup or export without an image that its cases name and that it does not say is missing.

    Raises:
        BackupDamagedError: there is one: image and line of the manifest were taken out together.
    """
    carried = {Path(name).name for name in content["files"] if name.startswith("images/")}
    lost = [sha256 for sha256 in named_images(connection) if sha256 not in carried | set(content["missing"])]
    if lost:
        raise BackupDamagedError(f"{len(lost)} images that cases need were taken out.", "Use another copy.")


def last_link(connection: Connection) -> str:
    """Hash of the audit trail's last entry."""
    entries = SQLModel.metadata.tables["audit_entries"]
    return connection.execute(select(entries.c.sha256).order_by(entries.c.seq.desc()).limit(1)).scalar() or ""


def intact_images(store: Store, hashes: list[str], missing: list[str]) -> Iterator[tuple[str, bytes]]:
    """Name within a backup and bytes of each image that is there and whole; the others go to ``missing``."""
    for sha256 in hashes:
        try:
            yield f"images/{sha256[:2]}/{sha256}", store.image(sha256)
        except (NotFoundError, StoreDamagedError):
            missing.append(sha256)


def manifest(kind: str, head: str, files: dict[str, dict[str, Any]], rows: dict[str, int], missing: list[str]) -> bytes:
    """The manifest's bytes: what there is, with checksums."""
    content = {
        "format": FORMAT,
        "kind": kind,
        "revision": newest(),
        "made": stamp(now()),
        "head": head,
        "rows": rows,
        "missing": missing,
        "files": files,
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def read_manifest(data: bytes) -> dict[str, Any]:
    """A manifest's content. Raises ``BackupDamagedError``."""
    try:
        found = _Manifest.model_validate_json(data)
    except ValueError as error:
        raise BackupDamagedError("The manifest is damaged.", "Use another copy.") from error
    if found.format != FORMAT or found.kind not in ("rows", "sqlite"):
        raise BackupDamagedError("This is no backup or export that this program can read.", "Update Overread.")
    for name in found.files:
        checked_name(name)
    needed = [DATABASE] if found.kind == "sqlite" else [rows_file(table.name) for table in tables()]
    if lost := [name for name in needed if name not in found.files]:
        raise BackupDamagedError(f"The manifest does not name {lost[0]}, without which there is no store.")
    return found.model_dump()


def export_all(store: Store, folder: Path) -> Carried:
    """Write the whole store to an empty folder as JSON lines and images.

    The keys of the pseudonyms are left out. What it does hold about people stands in its README.txt.

    Raises:
        StoreError: the folder holds something already, or it cannot be written.
    """
    with told_disk_errors():
        return _export(store, folder)


def _export(store: Store, folder: Path) -> Carried:
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty.", "Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    missing: list[str] = []
    with store.snapshot() as session:
        connection = session.connection()
        rows, hashes, head = write_rows(connection, folder), named_images(connection), last_link(connection)
    for name, data in intact_images(store, hashes, missing):
        write_atomically(folder / name, data)
    write_atomically(folder / README, CONTENTS.encode())
    files: dict[str, dict[str, Any]] = {
        path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "size": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_atomically(folder / MANIFEST, manifest("rows", head, files, rows, missing))
    sync_folder(folder)
    images, size = len(hashes) - len(missing), sum(int(entry["size"]) for entry in files.values())
    return Carried(rows, images, size, tuple(missing), head)


def checked_folder(folder: Path) -> dict[str, Any]:
    """Manifest of an export whose files are all there and unchanged. Raises ``BackupDamagedError``."""
    if not (folder / MANIFEST).is_file():
        raise BackupDamagedError(f"{folder} holds no manifest.", "Name the folder that an export made.")
    content = read_manifest((folder / MANIFEST).read_bytes())
    for name, entry in content["files"].items():
        path = folder / name
        inside = path.resolve() == folder.resolve() / name  # no link leads out of it, on whatever step
        if not path.is_file() or not inside or sha256_of(path) != entry["sha256"]:
            raise BackupDamagedError(f"{name} is missing or was changed.", "Use another copy.")
    return content


def _read_row(table: Table, line: str) -> dict[str, Any]:
    try:
        values = dict(json.loads(line))
    except (ValueError, TypeError, RecursionError) as error:
        raise BackupDamagedError(f"A row of {table.name} cannot be read.", "Use another copy.") from error
    if set(values) != {column.name for column in table.columns}:
        raise BackupDamagedError(f"A row of {table.name} has other columns than the table.", "Update Overread.")
    for column in table.columns:
        if isinstance(column.type, Moment) and values[column.name] is not None:
            values[column.name] = column.type.process_result_value(values[column.name], None)  # type: ignore[arg-type]
    return dict(values)


def _fill(connection: Connection, table: Table, path: Path) -> int:
    count, chunk = 0, []
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            chunk.append(_read_row(table, line))
            count += 1
            if len(chunk) == _CHUNK:
                connection.execute(insert(table), chunk)
                chunk = []
    if chunk:
        connection.execute(insert(table), chunk)
    key = table.primary_key.columns.values()[0]
    if connection.dialect.name == "postgresql" and key.autoincrement is not False and count:
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), "  # noqa: S608  # nosec B608  (our own names)
                f"(SELECT max({key.name}) FROM {table.name}))"
            )
        )
    return count


def import_all(folder: Path, store: Store) -> Carried:
    """Fill an empty store from an export.

    Raises:
        BackupDamagedError: a file is missing or changed, or the audit trail does not verify; nothing is kept then.
        StoreError: the store holds something already, or the export was made at another revision.
    """
    content = checked_folder(folder)
    if content["kind"] != "rows":
        raise StoreError("This is a backup of a SQLite store.", "Use restore.")
    if content["revision"] != newest():
        raise StoreError(
            f"The export was made at revision {content['revision']}, this program is at {newest()}.",
            "Import it with the program that made it, then update.",
        )
    try:
        with told_disk_errors():
            return _import(folder, store, content)
    except (DBAPIError, ValueError, TypeError, KeyError) as error:
        raise BackupDamagedError("The rows of the export do not fit together.", "Use another copy.") from error


def _import(folder: Path, store: Store, content: dict[str, Any]) -> Carried:
    rows: dict[str, int] = {}
    with store.writing() as session:
        connection = session.connection()
        for table in tables():
            if connection.execute(select(table).limit(1)).first() is not None:
                raise StoreError("The store is not empty.", "Import into a new one.")
        images = [name for name in content["files"] if name.startswith("images/")]
        for name in images:
            sha256 = Path(name).name
            data = (folder / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != sha256:
                raise BackupDamagedError(f"{name} is not the image it is named after.", "Use another copy.")
            if not image_file(store.images_folder, sha256).is_file():
                store.put_image(data)
        for table in tables():
            rows[table.name] = _fill(connection, table, folder / rows_file(table.name))
        need_images(connection, content)
        if rows != content["rows"]:
            raise BackupDamagedError("The number of rows is not what the manifest says.", "Use another copy.")
        found = verify(store, session=session, noted=False)
        if not found.ok or found.head != (content["head"] or GENESIS):
            why = found.reason or "the manifest tells of other rows"
            raise BackupDamagedError(f"The audit trail does not verify: {why}.", "Use another copy.")
        session.info["head"] = (found.entries, found.head)
    size = sum(int(entry["size"]) for entry in content["files"].values())
    return Carried(rows, len(images), size, tuple(content["missing"]), content["head"])
