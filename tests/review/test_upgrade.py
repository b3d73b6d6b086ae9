"""A store of an older program becomes one of today's: nothing lost, no path left, everything under the trail."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from core.review import FileRole, Store
from core.review.older import kept_whole
from core.review.pseudonyms import Pseudonyms
from core.review.schema import _config, newest, revision
from core.review.trail import verify


def _image(store: Store) -> tuple[str, str, int, FileRole]:
    return "0001.png", store.put_image(b"bare"), 4, FileRole.IMAGE


def _verified(place: Path) -> str:
    command_line = [sys.executable, "-m", "core.review", "verify", "--store", str(place), "--no-images"]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


MOMENT = "2026-01-01T00:00:00.000000Z"
ROWS = (
    f"INSERT INTO users VALUES (1, 'local', 'local', 'Local user', NULL, '[\"admin\", \"lead\"]', 1, '{MOMENT}', NULL)",
    "INSERT INTO recorded_readers VALUES (1, 'Dr Quill', 'a')",
    f"INSERT INTO archives VALUES (1, 'A', '', 'open', '{MOMENT}', 1)",
    "INSERT INTO cases (id, archive_id, patient, content_hash, source, system, recorded_finding, recorded_label, "
    "recorded_text, recorded_reader, state, simulated, details, created) VALUES "
    f"(1, 1, 'P-1', '{'c' * 64}', 'Quill_Jane.png', 'brain-mr', 1, 'tumour', '1', 1, 'new', 0, '{{}}', '{MOMENT}')",
    f"INSERT INTO case_files VALUES (1, 1, 0, '{'a' * 64}', 'Quill_pet.nii.gz', 5, 'image')",
    "INSERT INTO import_runs (id, archive_id, source, settings, state, wanted, total, started, started_by, message) "
    'VALUES (1, 1, \'Quill\', \'{"path": "/data/Quill", "options": {"layout": {"sheet": "Quill.csv"}}}\', '
    f"'done', 'running', 1, '{MOMENT}', 1, '')",
    "INSERT INTO import_files (id, archive_id, run_id, path, size, outcome, case_id, reason, remedy) VALUES "
    "(1, 1, 1, 'Quill~1/Quill.csv, row 6', 0, 'unreadable', NULL, 'The same image as Quill.png.', '')",
)


def test_a_store_of_the_second_revision(tmp_path: Path) -> None:
    file = tmp_path / "store" / "overread.sqlite"
    (tmp_path / "store" / "images").mkdir(parents=True)
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0002")
    engine.dispose()
    with closing(sqlite3.connect(file)) as raw:
        columns = [row[1] for row in raw.execute("PRAGMA table_info(users)")]
        assert columns == ["number", "issuer", "subject", "name", "email", "roles", "active", "created", "last_seen"]
        for row in ROWS:
            raw.execute(row)
        raw.commit()
    store = Store.open(str(tmp_path / "store"))
    assert revision(store.engine) == newest()
    names = Pseudonyms.of(store.images_folder)
    (case,) = store.cases(1)
    assert (case.recorded_finding, case.recorded_label, case.patient) == (True, "tumour", "P-1")
    assert names.meaning(case.source) == "Quill_Jane.png"
    assert store.case_files(1)[0].name == "0001-pet.nii.gz"
    assert names.meaning(store.recorded_readers()[1].name) == "Dr Quill"
    (told,) = store.import_report(1)
    assert names.meaning(told.path.removesuffix(", row 6")) == "Quill~1/Quill.csv"
    assert verify(store).ok
    assert [entry.action for entry in store.audit_trail()] == ["store.covered"]
    # The images of then keep what they say; whoever looks after the store is told, and the images of now are not meant.
    _, new = store.add_case(1, 1, content_hash="d" * 64, source="F-1", files=[_image(store)], patient="", system=None)
    assert new
    assert kept_whole(store) == {1: 1}
    store.close()
    assert "In the archive 'A', 1 image was stored by an older version" in _verified(tmp_path / "store")
    with closing(sqlite3.connect(file)) as raw:
        assert not [line for line in raw.iterdump() if "Quill" in line]
        raw.execute("UPDATE cases SET recorded_finding = 0")
        raw.commit()
    again = Store.open(str(tmp_path / "store"))
    assert "cases row 1" in verify(again).reason
    again.close()
