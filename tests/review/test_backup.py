"""What goes out comes back row for row, and nothing damaged comes in."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import SQLModel
from typer.testing import CliRunner

from core.errors import BackupDamagedError, StoreDamagedError, StoreError
from core.review import Radpeer, Role, RunState, Sided, Stage, Store
from core.review.__main__ import app
from core.review.backup import BESIDE, backup, restore
from core.review.exchange import export_all, import_all
from core.review.pseudonyms import NAMES_FILE, Pseudonyms
from core.review.tables import DriftReading
from core.review.trail import verify
from core.review.vocabulary import Scope
from tests.review import postgres
from tests.review.casebook import WEIGHTS, archive, case, lock, person, scored
from tests.teaching import school


def fill(store: Store) -> Store:
    """At least one row in every table, with values that are easily lost on the way."""
    lead = person(store, "lead", Role.LEAD, Role.REVIEWER, Role.ARBITER)
    reader = person(store, "reader", Role.REVIEWER)
    place = archive(store, 'Archiv "Süd"\n')
    found = case(store, place, os.urandom(3000), details={"spacing": [0.1, 1e-9], "none": None}, recorded_reader="Dr Ä")
    other = case(store, place, b"", recorded_finding=None)
    assert found.id
    assert other.id
    scored(store, found, 0.1 + 0.2)
    run = store.start_scoring(lead, place, "brain-mr", {"one": {"version": "1"}}, 2)
    store.update_run(run, state=RunState.DONE.value, seconds=1 / 3)
    store.start_import(lead, place, "folder", {})
    store.add_case(1, place, content_hash=found.content_hash, source="x", files=[], import_path="sub/x.png")
    lock(
        store, found.id, reader, marks=[{"kind": "point", "x": 0.1, "y": 2}], comment="line\nbreak  \\ 'x'", seconds=0.1
    )
    lock(store, found.id, reader, Stage.FINAL, finding=True, label=None)
    store.keep_measurements(other.id, reader, "k" * 16, [{"kind": "length", "points": [[0.1, 1e-9]], "text": "0.1 mm"}])
    store.save_draft(other.id, reader, Stage.BLIND, {"confidence": 40})
    store.peer_review(found.id, reader, Radpeer.EXPECTED_MATTERS)
    store.adjudicate(found.id, lead, finding=True, label="glioma", sided=Sided.REVIEWER)
    store.overrule(reader, content_hash="c" * 64, system="brain-mr", gate="photo", gate_score=1e-17)
    store.save_view(reader, "View", {"columns": ["a"]}, shared=True)
    store.add_drift(
        DriftReading(system="s", model="m", weights_sha256=WEIGHTS, n=1, n_reference=2, statistic="KS", value=0.7)
    )
    store.make_token(reader, "script", [Scope.MODELS])
    school.lesson(store)
    (store.images_folder.parent / BESIDE).write_bytes(b"k" * 32)
    return store


def contents(store: Store) -> dict[str, list[Any]]:
    """Every row of every table, and the bytes of every image."""
    with store.reading() as session:
        rows = {
            table.name: list(session.connection().execute(select(table).order_by(*table.primary_key.columns)).all())
            for table in SQLModel.metadata.sorted_tables
        }
    rows["images"] = [(row.sha256, store.image(row.sha256)) for row in rows["case_files"]]
    return rows


def test_the_sample_fills_every_table(sqlite_store: Store) -> None:
    assert [name for name, rows in contents(fill(sqlite_store)).items() if not rows] == []


def test_a_backup_restores_every_row_and_image(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store)
    carried = backup(sqlite_store, tmp_path / "b" / "backup.zip")
    assert (carried.images, carried.missing) == (2, ())
    assert carried.head == verify(sqlite_store).head
    assert (tmp_path / "b" / "backup.zip").stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path / "b") == ["backup.zip"]
    restore(tmp_path / "b" / "backup.zip", str(tmp_path / "again"))
    again = Store.open(str(tmp_path / "again"))
    assert contents(again) == contents(sqlite_store)
    assert (tmp_path / "again" / BESIDE).read_bytes() == b"k" * 32
    store = set(os.listdir(tmp_path / "store")) - {"names.lock"}  # a lock is made anew where it is needed
    assert {*os.listdir(tmp_path / "again"), NAMES_FILE} == store
    lock(again, 2, 3)  # and it is a store one can work with
    assert verify(again, carried.head).ok
    again.close()


def test_export_and_import_keep_every_row_in_either_database(
    store: Store, postgres_address: str, tmp_path: Path
) -> None:
    fill(store)
    carried = export_all(store, tmp_path / "out")
    assert not [p for p in (tmp_path / "out").rglob("*") if p.name == BESIDE]  # pseudonyms lead back to nobody
    # Into the other kind of database: nothing may hang on how one of them writes a value.
    other = (
        Store.open(postgres.new_database(postgres_address, f"x{os.urandom(4).hex()}"), tmp_path / "pictures")
        if store.is_sqlite
        else Store.open(str(tmp_path / "other"))
    )
    import_all(tmp_path / "out", other)
    assert contents(other) == contents(store)
    assert verify(other, carried.head).ok
    added = other.add_archive(1, "New numbers go on where the old ones end")
    assert (added.id or 0) > max(a.id or 0 for a in store.archives())
    with pytest.raises(StoreError, match="not empty"):
        import_all(tmp_path / "out", other)
    with pytest.raises(StoreError, match="not empty"):
        export_all(store, tmp_path / "out")
    other.close()


def test_a_backup_of_postgres_restores_into_a_folder(postgres_store: Store, tmp_path: Path) -> None:
    fill(postgres_store)
    backup(postgres_store, tmp_path / "backup.zip")
    restore(tmp_path / "backup.zip", str(tmp_path / "again"))
    again = Store.open(str(tmp_path / "again"))
    assert contents(again) == contents(postgres_store)
    again.close()


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _rewrite(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive_:
        files = {name: archive_.read(name) for name in archive_.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive_:
        for name, data in files.items():
            archive_.writestr(name, data)


def _image(files: dict[str, bytes]) -> str:
    return next(name for name, data in files.items() if name.startswith("images/") and data)


def _escape(files: dict[str, bytes]) -> None:
    content = json.loads(files["manifest.json"])
    name = _image(files)
    content["files"]["../outside"] = content["files"].pop(name)
    files["../outside"] = files.pop(name)
    files["manifest.json"] = json.dumps(content).encode()


def _older_head(files: dict[str, bytes]) -> None:
    content = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps({**content, "head": "0" * 64}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda files: files.update({_image(files): _flip(files[_image(files)], 100)}),
        lambda files: files.update({"overread.sqlite": _flip(files["overread.sqlite"], 5000)}),
        lambda files: files.pop(_image(files)),
        lambda files: files.pop("manifest.json"),
        lambda files: files.update({"manifest.json": b"{}"}),
        lambda files: files.update({"manifest.json": b"[1]"}),
        lambda files: files.update({"images/more": b"x"}),
        _escape,
        _older_head,
    ],
    ids=["image", "database", "image gone", "no manifest", "empty manifest", "odd manifest", "extra", "escape", "head"],
)
def test_a_damaged_backup_restores_nothing(
    sqlite_store: Store, tmp_path: Path, damage: Callable[[dict[str, bytes]], None]
) -> None:
    fill(sqlite_store)
    backup(sqlite_store, tmp_path / "backup.zip")
    _rewrite(tmp_path / "backup.zip", damage)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(BackupDamagedError):
        restore(tmp_path / "backup.zip", str(tmp_path / "again"))
    assert sorted(os.listdir(tmp_path)) == before


def _image_with_its_line(files: dict[str, bytes]) -> None:
    content = json.loads(files["manifest.json"])
    name = _image(files)
    del content["files"][name], files[name]
    files["manifest.json"] = json.dumps(content).encode()


def _short_key(files: dict[str, bytes]) -> None:
    content = json.loads(files["manifest.json"])
    files[BESIDE] = b"k" * 10
    content["files"][BESIDE] = {"sha256": hashlib.sha256(b"k" * 10).hexdigest(), "size": 10}
    files["manifest.json"] = json.dumps(content).encode()


@pytest.mark.parametrize(
    ("damage", "words"), [(_image_with_its_line, "taken out"), (_short_key, "key of the pseudonyms")]
)
def test_what_was_taken_out_or_shortened_together_with_its_line_is_refused(
    sqlite_store: Store, tmp_path: Path, damage: Callable[[dict[str, bytes]], None], words: str
) -> None:
    backup(fill(sqlite_store), tmp_path / "backup.zip")
    _rewrite(tmp_path / "backup.zip", damage)
    with pytest.raises(BackupDamagedError, match=words):
        restore(tmp_path / "backup.zip", str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def _manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | changes).encode()

    return change


def _size(value: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = files["manifest.json"].replace(b'"size": 3000', f'"size": {value}'.encode())

    return change


def _nothing_in_it(files: dict[str, bytes]) -> None:
    content = json.loads(files["manifest.json"])
    files.clear()
    files["manifest.json"] = json.dumps(content | {"files": {}, "head": ""}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        *(_size(value) for value in ("-5", "1e999", '"3000"', "3000.5", "NaN")),
        *(_manifest(missing=value) for value in ([[1]], "abc", [1], {"a": 1})),
        _manifest(head=""),
        _manifest(head=["x"]),
        _manifest(revision="9999"),
        _manifest(revision=None),
        _manifest(rows="x"),
        _manifest(kind="rows"),
        _nothing_in_it,
        lambda files: files.update({"manifest.json": b"[" * 100_000}),
    ],
)
def test_a_manifest_that_lies_restores_nothing(
    sqlite_store: Store, tmp_path: Path, damage: Callable[[dict[str, bytes]], None]
) -> None:
    """It comes with the files, and is believed no more than they are."""
    backup(fill(sqlite_store), tmp_path / "backup.zip")
    _rewrite(tmp_path / "backup.zip", damage)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(BackupDamagedError):
        restore(tmp_path / "backup.zip", str(tmp_path / "again"))
    assert sorted(os.listdir(tmp_path)) == before


def _table_gone(folder: Path) -> None:
    (folder / "rows" / "drafts.jsonl").unlink()
    content = json.loads((folder / "manifest.json").read_text())
    del content["files"]["rows/drafts.jsonl"]
    (folder / "manifest.json").write_text(json.dumps(content))


def _deep_row(folder: Path) -> None:
    rows = folder / "rows" / "scores.jsonl"
    rows.write_text("[" * 100_000)
    content = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(rows.read_bytes()).hexdigest()
    content["files"]["rows/scores.jsonl"] = {"sha256": digest, "size": 100_000}
    (folder / "manifest.json").write_text(json.dumps(content))


def _linked_rows(folder: Path) -> None:
    (folder / "rows").rename(folder.parent / "elsewhere")
    (folder / "rows").symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("damage", [_table_gone, _deep_row, _linked_rows])
def test_an_export_that_lacks_or_leads_elsewhere_is_not_imported(
    sqlite_store: Store, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    export_all(fill(sqlite_store), tmp_path / "out")
    damage(tmp_path / "out")
    other = Store.open(str(tmp_path / "other"))
    with pytest.raises(BackupDamagedError):
        import_all(tmp_path / "out", other)
    assert [name for name, found in contents(other).items() if found] == []
    other.close()


def test_a_forged_store_is_not_backed_up(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store)
    with sqlite_store.engine.begin() as connection:
        connection.execute(text("UPDATE users SET roles = '[\"admin\"]' WHERE number = 2"))
    with pytest.raises(StoreDamagedError, match="users row 2"):
        backup(sqlite_store, tmp_path / "backup.zip")
    assert not (tmp_path / "backup.zip").exists()


def test_neither_export_nor_backup_turns_a_pseudonym_back(sqlite_store: Store, tmp_path: Path) -> None:
    names = Pseudonyms.of(sqlite_store.images_folder)
    shown = names.path("/data/Quill Jane/1951.png")
    assert names.meaning(shown) == "/data/Quill Jane/1951.png"
    assert (sqlite_store.images_folder.parent / NAMES_FILE).stat().st_mode & 0o077 == 0
    assert _run("meaning", shown, "--store", tmp_path / "store") == (0, "/data/Quill Jane/1951.png\n")
    assert _run("meaning", "F-0", "--store", tmp_path / "store")[0] == 2
    found = case(sqlite_store, archive(sqlite_store), b"x", recorded_reader="Dr Quill")
    assert found.recorded_reader == 1
    backup(sqlite_store, tmp_path / "backup.zip")
    export_all(sqlite_store, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "backup.zip") as packed:
        members = [packed.read(name) for name in packed.namelist()]
    for data in (*members, *(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())):
        assert b"Quill" not in data
    said = (tmp_path / "out" / "README.txt").read_text()
    assert all(word in said for word in ("dates and times", "e-mail", "identifiers", "as people wrote them"))


def test_a_full_disk_is_told(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    fill(sqlite_store)
    backup(sqlite_store, tmp_path / "good.zip")
    monkeypatch.setattr(os, "fsync", full)
    for act in (
        lambda: sqlite_store.put_image(b"new"),
        lambda: backup(sqlite_store, tmp_path / "b.zip"),
        lambda: export_all(sqlite_store, tmp_path / "out"),
        lambda: restore(tmp_path / "good.zip", str(tmp_path / "again")),
    ):
        with pytest.raises((StoreError, BackupDamagedError)) as told:
            act()
        assert told.value.remedy


def test_no_byte_of_a_backup_changes_unnoticed(sqlite_store: Store, tmp_path: Path) -> None:
    place = archive(sqlite_store)
    case(sqlite_store, place, os.urandom(500))
    backup(sqlite_store, tmp_path / "good.zip")
    restore(tmp_path / "good.zip", str(tmp_path / "good"))
    good = Store.open(str(tmp_path / "good"))
    data = (tmp_path / "good.zip").read_bytes()
    for at in range(7, len(data), len(data) // 25):
        (tmp_path / "bad.zip").write_bytes(_flip(data, at))
        try:
            restore(tmp_path / "bad.zip", str(tmp_path / "bad"))
        except BackupDamagedError:
            assert not (tmp_path / "bad").exists()
        else:  # a byte of the zip format that carries nothing (a time stamp): then all must be as it was
            bad = Store.open(str(tmp_path / "bad"))
            assert contents(bad) == contents(good)
            bad.close()
            shutil.rmtree(tmp_path / "bad")
    (tmp_path / "bad.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(BackupDamagedError):
        restore(tmp_path / "bad.zip", str(tmp_path / "bad"))
    good.close()


def test_a_changed_export_is_not_imported(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store)
    export_all(sqlite_store, tmp_path / "out")
    rows = tmp_path / "out" / "rows" / "opinions.jsonl"
    rows.write_text(rows.read_text().replace('"confidence":80', '"confidence":81'))
    other = Store.open(str(tmp_path / "other"))
    with pytest.raises(BackupDamagedError, match=r"opinions\.jsonl"):
        import_all(tmp_path / "out", other)
    # With the manifest made to fit, the audit trail still gives it away, and nothing is kept.
    manifest = tmp_path / "out" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["files"]["rows/opinions.jsonl"]["sha256"] = hashlib.sha256(rows.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(content))
    with pytest.raises(BackupDamagedError, match="opinions row 1"):
        import_all(tmp_path / "out", other)
    assert [name for name, found in contents(other).items() if found] == []
    other.close()


def test_nothing_is_overwritten(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store)
    backup(sqlite_store, tmp_path / "backup.zip")
    before = (tmp_path / "backup.zip").read_bytes()
    with pytest.raises(StoreError, match="exists"):
        backup(sqlite_store, tmp_path / "backup.zip")
    with pytest.raises(StoreError, match="not empty"):
        restore(tmp_path / "backup.zip", str(tmp_path / "store"))
    assert (tmp_path / "backup.zip").read_bytes() == before


def test_a_lost_image_does_not_stop_the_backup_of_the_others(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store)
    lost = sqlite_store.case_files(1)[0].sha256
    sqlite_store.image_path(lost).unlink()
    carried = backup(sqlite_store, tmp_path / "backup.zip")
    assert (carried.missing, carried.images) == ((lost,), 1)
    assert restore(tmp_path / "backup.zip", str(tmp_path / "again")).missing == (lost,)


def _run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_the_commands(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store)
    home, file, out = tmp_path / "store", tmp_path / "backup.zip", tmp_path / "out"
    code, said = _run("verify", "--store", home)
    assert code == 0
    head = verify(sqlite_store).head
    assert head in said
    assert _run("backup", file, "--store", home)[0] == 0
    assert _run("restore", file, "--store", tmp_path / "restored")[0] == 0
    assert _run("export", out, "--store", home)[0] == 0
    assert _run("import", out, "--store", tmp_path / "imported")[0] == 0
    assert _run("migrate", "--store", tmp_path / "imported")[0] == 0
    for place in ("restored", "imported", "store"):
        assert _run("verify", "--store", tmp_path / place, "--head", head)[0] == 0
    assert _run("verify", "--store", home, "--head", "f" * 64)[0] == 1
    sqlite_store.image_path(sqlite_store.case_files(1)[0].sha256).write_bytes(b"other")
    code, said = _run("verify", "--store", home)
    assert code == 1
    assert "damaged" in said
    assert _run("verify", "--store", home, "--no-images")[0] == 0
    assert _run("backup", tmp_path / "partial.zip", "--store", home)[0] == 1  # made, but an image is missing


def test_the_commands_say_what_is_wrong(sqlite_store: Store, tmp_path: Path) -> None:
    for arguments in (
        ("verify", "--store", tmp_path / "nowhere"),
        ("backup", tmp_path / "x.zip", "--store", tmp_path / "nowhere"),
        ("restore", tmp_path / "nothing.zip", "--store", tmp_path / "new"),
        ("import", tmp_path, "--store", tmp_path / "new"),
        ("restore", tmp_path / "nothing.zip", "--store", tmp_path / "store"),
    ):
        code, said = _run(*arguments)
        assert code == 2
        assert said.strip()
        assert "Traceback" not in said
    assert not (tmp_path / "nowhere").exists()
