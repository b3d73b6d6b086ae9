"""Background runs wait while people's open scans fill the memory; a case is not called unreadable for that."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import numpy as np
import pytest

from core import memory
from core.errors import MemoryFullError
from core.imaging import read
from core.imaging.limits import MIB
from core.review import Mode, Outcome, Role, Store
from core.review.archives import ImportOptions, begin_import, begin_scoring, wait
from core.review.kept.waiting import picture_waits
from tests.review import archive_kit
from tests.review.archive_kit import SYSTEM, GreyEngine
from tests.review.casebook import person


def _full(monkeypatch: pytest.MonkeyPatch) -> tuple[memory.Memory, memory.Lease]:
    held = memory.Memory(lambda: 8 * MIB)
    monkeypatch.setattr("core.imaging.reader.of_process", lambda: held)
    return held, held.lease(8 * MIB - 1000)


def test_an_import_waits_for_room(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = archive_kit.folder(tmp_path / "set", {"A": [(0.2, 0), (0.9, 1)]})
    archive = sqlite_store.add_archive(sqlite_store.local_user().number or 0, "waits").id or 0
    _, others = _full(monkeypatch)
    run = begin_import(sqlite_store, 1, archive, source, ImportOptions(system=SYSTEM))
    time.sleep(1.5)
    assert sqlite_store.cases(archive) == []
    assert sqlite_store.import_report(archive) == []  # nothing is called unreadable
    others.release()
    assert wait(sqlite_store, run).state == "done"
    assert [row.outcome for row in sqlite_store.import_report(archive)] == [Outcome.ADDED.value] * 2


def test_scoring_waits_for_room(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_kit.imported(sqlite_store, archive_kit.folder(tmp_path / "set", {"A": [(0.2, 0), (0.9, 1)]}))
    _, others = _full(monkeypatch)
    run = begin_scoring(sqlite_store, GreyEngine(), 1, archive, SYSTEM)
    time.sleep(1.5)
    assert sqlite_store.machine_scores(archive) == []
    others.release()
    assert wait(sqlite_store, run).state == "done"
    scores = sqlite_store.machine_scores(archive)
    assert len(scores) == 6
    assert not any(score.error for score in scores)


def test_an_image_that_cannot_be_compared_now_is_not_taken_for_one_that_is_free(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yy, xx = np.mgrid[:64, :64]
    picture = (40 + 180 * np.exp(-((yy - 20) ** 2 + (xx - 40) ** 2) / 200)).astype(np.uint8)
    root = tmp_path / "set"
    root.mkdir()
    (root / "a.png").write_bytes(archive_kit.picture(picture))
    (root / "index.csv").write_text("image,tumour\na.png,0\n")
    archive_kit.imported(sqlite_store, root, mode=Mode.SECOND_READER)
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    plane = read([("b.png", archive_kit.picture(picture[:, ::-1]))]).series[0].pixels[0]
    assert picture_waits(sqlite_store, plane, reader)
    _full(monkeypatch)
    with pytest.raises(MemoryFullError):
        picture_waits(sqlite_store, plane, reader)
    gc.collect()
