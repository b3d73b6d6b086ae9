"""Uploads that survive a reload: by an unguessable token, for one person, for a limited time, within a limit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from core import imaging
from core.imaging.study import Series, SourceKind, Study
from core.review import Store
from core.review.archives import wait
from core.review.tables import ImportRun
from core.systems import Match, match
from dashboard.kit.held import HeldUploads, Upload
from dashboard.review import keeping
from tests.dashboard.readings import head


class Clock:
    """Minutes that pass when told."""

    def __init__(self) -> None:
        self.minutes = 0.0

    def __call__(self) -> float:
        return self.minutes * 60


def upload(side: int = 8) -> Upload:
    study = Study("u", SourceKind.RASTER, (Series("k", "u", np.zeros((1, side, side), np.float32)),), "0" * 64)
    return Upload(study, Match(None, 0, "nothing fits", certain=False), (("u.png", b"bytes"),))


def test_an_upload_is_found_by_its_token_and_by_its_person_only() -> None:
    held = HeldUploads()
    given = upload()
    token = held.hold(given, person=1)
    assert token is not None
    assert held.find(token, 1) is given
    assert held.find(token, 2) is None
    assert held.find("x", 1) is None
    held.forget(token, 2)
    assert held.find(token, 1) is given
    held.forget(token, 1)
    assert held.find(token, 1) is None


def test_tokens_cannot_be_guessed() -> None:
    held = HeldUploads()
    tokens = {held.hold(upload(), 1) for _ in range(50)}
    assert len(tokens) == 50
    assert all(token is not None and len(token) >= 32 for token in tokens)  # 24 random bytes, 192 bits


def test_time_begins_anew_when_it_is_opened_and_then_it_is_gone() -> None:
    clock = Clock()
    held = HeldUploads(minutes=60, clock=clock)
    token = held.hold(upload(), 1)
    assert token is not None
    clock.minutes = 59
    assert held.find(token, 1) is not None
    clock.minutes = 118
    assert held.find(token, 1) is not None
    clock.minutes = 178
    assert held.find(token, 1) is None


def test_the_oldest_go_when_memory_is_short_and_what_is_too_large_is_not_held() -> None:
    size = upload(8).nbytes
    assert size == 8 * 8 * 4 + len(b"bytes")
    held = HeldUploads(limit=2 * size)
    tokens = [held.hold(upload(8), 1) for _ in range(3)]
    assert [held.find(str(token), 1) is not None for token in tokens] == [False, True, True]
    assert held.hold(upload(80), 1) is None


def test_what_was_measured_is_found_with_the_upload_and_goes_with_it() -> None:
    held, given = HeldUploads(), upload()
    token = str(held.hold(given, 1))
    before = given.nbytes
    given.measures["key"] = [{"kind": "length", "points": [[1.0, 2.0], [3.0, 4.0]]}]
    found = held.find(token, 1)
    assert found is not None
    assert found.measures == {"key": [{"kind": "length", "points": [[1.0, 2.0], [3.0, 4.0]]}]}
    assert given.nbytes >= before + 4 * 8  # they count as held memory
    assert held.find(token, 2) is None
    held.forget(token, 1)
    assert held.find(token, 1) is None


@pytest.mark.parametrize("system", ["brain-mr", None])
def test_one_click_keeps_an_upload_in_an_archive(tmp_path: Path, system: str | None) -> None:
    store = Store.open(str(tmp_path / "store"))
    actor = store.local_user().number or 0
    files = (("slice.png", head(1)),)
    study = imaging.read(files)
    archive = keeping.keep(store, actor, Upload(study, match(study), files), system).archive
    again = keeping.keep(store, actor, Upload(study, match(study), files), system)
    assert again == keeping.Kept(archive)  # nothing was measured, so nothing is carried
    for run in store.runs(ImportRun, archive):
        wait(store, run, 60)
    assert [case.content_hash for case in store.cases(archive)] == [study.sha256]


def test_what_was_measured_in_an_upload_goes_into_the_archive_with_it(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    actor = store.local_user().number or 0
    files = (("slice.png", head(1)),)
    study = imaging.read(files)
    given = Upload(study, match(study), files)
    length = {"id": "a", "kind": "length", "slice": 0, "points": [[1.0, 2.0], [3.0, 4.0]]}
    given.measures.update({study.series[0].key: [length], "of a prior": [length]})
    kept = keeping.keep(store, actor, given, None)
    assert _carried(kept) == keeping.Carried(kept=1, nowhere=1)
    (case,) = store.cases(kept.archive)
    assert store.measurements(case.id or 0, actor) == {study.series[0].key: [length]}

    # Given again with the same it is there already; with something else the archive's own stays, and that is told.
    assert _carried(keeping.keep(store, actor, given, None)) == keeping.Carried(kept=1, nowhere=1)
    given.measures[study.series[0].key] = [length | {"id": "b"}, length | {"id": "c"}]
    lost = _carried(keeping.keep(store, actor, given, None))
    assert lost == keeping.Carried(others=2, nowhere=1)
    assert store.measurements(case.id or 0, actor) == {study.series[0].key: [length]}
    assert re.findall(r"(\d) measurements? not kept: (you|no case)", lost.told()) == [("2", "you"), ("1", "no case")]


def _carried(kept: keeping.Kept) -> keeping.Carried | None:
    assert kept.carrying is not None
    kept.carrying.join(60)
    return kept.carrying.result
