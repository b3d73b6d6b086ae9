"""A store of an older program becomes one of today's: nothing lost, no path left, everything under the trail."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core.review import FileRole, Store
from core.review.older import kept_whole
from core.review.pseudonyms import Pseudonyms
from core.review.runs import fingerprint
from core.review.schema import _config, newest, revision
from core.review.tables import DriftReading, ItemScore, Score
from core.review.trail import verify
from tests.review import postgres


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


WEIGHTS = "w" * 64
OLD_PLACE = hashlib.sha256(WEIGHTS.encode()).hexdigest()  # as revision 9 knew a set of models: by the weights alone
ONCE, TWICE = 1, 2  # archives scored by version 1 alone, and by version 1 and then 2 of the same weights


def _as_revision_9(place: str) -> None:
    """Two archives of two cases each; their places and comparisons name no version."""
    engine = create_engine(place)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0009")

        def put(table: str, **row: object) -> None:
            names = ", ".join(f'"{name}"' for name in row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)

        put("users", number=1, issuer="local", subject="local", name="Local user", roles='["lead"]', active=True,
            created=MOMENT)  # fmt: skip
        for archive in (ONCE, TWICE):
            put("archives", id=archive, name=str(archive), note="", mode="open", created=MOMENT, created_by=1)
            for case in (10 * archive, 10 * archive + 1):
                put("cases", id=case, archive_id=archive, patient="", content_hash=str(case), source="F", system="pet",
                    recorded_text="", state="scored", simulated=False, details="{}", created=MOMENT)  # fmt: skip
                version = "2" if case == 10 * TWICE + 1 else "1"
                put("scores", case_id=case, system="pet", model="unet", version=version, weights_sha256=WEIGHTS,
                    finding=0.25, slice_index=0, probabilities="{}", details="{}", error="", seconds=1.0,
                    created=MOMENT)  # fmt: skip
                put("discrepancies", case_id=case, models=OLD_PLACE, value=case, reason="", details="{}",
                    created=MOMENT)  # fmt: skip
            for version in ("1", "2")[:archive]:
                models = json.dumps({"unet": {"version": version, "weights_sha256": WEIGHTS}})
                put("score_runs", archive_id=archive, system="pet", models=models, state="done", wanted="running",
                    total=2, done=2, failed=0, seconds=1.0, message="", started=MOMENT, started_by=1)  # fmt: skip
            put("drift_readings", archive_id=archive, system="pet", model="unet", weights_sha256=WEIGHTS, n=2,
                n_reference=9, statistic="KS", value=0.5, warned=True, message="", created=MOMENT)  # fmt: skip
        put("courses", id=1, title="C", goals="", owner=1, created=MOMENT)
        put("quizzes", id=1, course_id=1, title="Q", goals="", rules="{}", listed=False, created=MOMENT)
        put("quiz_items", id=1, quiz_id=1, position=0, source="s", place="{}", system="pet", finding=True,
            simulated=True, hint="", note="", details="{}")  # fmt: skip
        put("item_scores", item_id=1, model="unet", title="U", weights_sha256=WEIGHTS, finding=0.5, threshold=0.5,
            slice_index=0, created=MOMENT)  # fmt: skip
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_was_scored_before_versions_counted(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Scores stay what they were; places and comparisons are named where one version alone can have made them."""
    if kind == "sqlite":
        (tmp_path / "store" / "images").mkdir(parents=True)
        _as_revision_9(f"sqlite:///{tmp_path / 'store' / 'overread.sqlite'}")
        store = Store.open(str(tmp_path / "store"))
    else:
        url = postgres.new_database(request.getfixturevalue("postgres_address"), "older")
        _as_revision_9(url)
        store = Store.open(url, tmp_path / "images")
    first = (WEIGHTS, "1")
    assert {(s.case_id, s.identity, s.finding) for a in (ONCE, TWICE) for s in store.machine_scores(a)} == {
        (10, first, 0.25),
        (11, first, 0.25),
        (20, first, 0.25),
        (21, (WEIGHTS, "2"), 0.25),
    }
    assert [d.models for d in store.machine_discrepancies(ONCE)] == [fingerprint([first])] * 2
    known = {fingerprint([first]), fingerprint([(WEIGHTS, "2")])}
    assert not known & {d.models for d in store.machine_discrepancies(TWICE)}  # of which version, nobody can tell
    assert [[r.version for r in store.drift(archive_id=a)] for a in (ONCE, TWICE)] == [["1"], [""]]
    again = Score(case_id=10, system="pet", model="unet", version="2", weights_sha256=WEIGHTS, finding=0.75)
    store.save_scores([again])
    assert [(s.version, s.finding) for s in store.machine_scores(ONCE)] == [("1", 0.25), ("1", 0.25), ("2", 0.75)]
    with store.writing() as session:
        (item,) = session.exec(select(ItemScore))
        assert (item.version, item.finding) == ("", 0.5)
        session.add(ItemScore(**item.model_dump(exclude={"id", "version"}), version="1"))
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(ItemScore(**item.model_dump(exclude={"id"})))
    with store.reading() as session:
        assert len(session.exec(select(DriftReading)).all()) == 2
    store.close()
