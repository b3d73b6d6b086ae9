"""The same upload sent twice at once: what one import has finished with, the other still reads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.review import Store
from core.review.archives import ImportOptions, stage_upload
from core.review.archives.background import Watch
from core.review.archives.intake import staging
from core.review.archives.intake.staging import staging_folder
from core.review.archives.jobs import begin_import
from core.review.archives.work import import_cases
from tests.review import archive_kit

UPLOAD = [("a.png", archive_kit.image(0.4, 1)), ("b.png", archive_kit.image(0.6, 2))]


def test_an_import_leaves_what_another_still_reads(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.review.archives.jobs.start", lambda *_: None)  # run here, one after the other
    lead = sqlite_store.local_user().number or 0
    runs = []
    for name in ("mine", "yours"):
        archive = sqlite_store.add_archive(lead, name).id or 0
        source = stage_upload(sqlite_store.images_folder, UPLOAD)
        runs.append(begin_import(sqlite_store, lead, archive, source, ImportOptions(archive_kit.SYSTEM)))
    for run in runs:
        import_cases(sqlite_store, Watch(sqlite_store, run, threading.Event()))
        assert len(sqlite_store.cases(run.archive_id)) == 2
    assert list(staging_folder(sqlite_store.images_folder).iterdir()) == []


def test_two_that_unpack_the_same_at_once_both_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill = staging._fill

    def and_so_does_another(*given: object) -> None:
        monkeypatch.setattr(staging, "_fill", fill)
        stage_upload(tmp_path / "images", UPLOAD)
        fill(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(staging, "_fill", and_so_does_another)
    folder = stage_upload(tmp_path / "images", UPLOAD)
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png"]
    assert [path.name for path in staging_folder(tmp_path / "images").iterdir()] == [folder.name]
