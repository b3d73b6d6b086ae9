"""A study that brings about what nobody foresaw costs itself at most: the node goes on, and the others are read."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from core.engine.results import Review
from core.errors import StoreError
from core.imaging import Study
from core.review.archives.importing import Importer
from core.review.store import Store
from dashboard.service.node import process
from dashboard.service.node.config import NodeConfig, Peer
from dashboard.service.node.receiving import serve
from dashboard.service.node.spool import Spool
from dashboard.service.node.working import Work
from tests.reports import kit
from tests.service.node.counterparts import HandMade, free_port, storescu, until, written

ODD, GOOD = "1.2.826.0.1.3680043.8.498.2", "1.2.826.0.1.3680043.8.498.1"  # in the order in which the node takes them


@pytest.fixture
def config() -> NodeConfig:
    peers = {"STORESCU": Peer("STORESCU"), "PACS": Peer("PACS", "127.0.0.1", 1)}
    return NodeConfig("OVERREAD", "127.0.0.1", free_port(), peers, results=("PACS",), quiet=0.0)


def _received(spool: Spool, study: str, slices: int, raw: dict[str, bytes] | None = None) -> None:
    """A study in the inbox, with values as bytes that pydicom would not write by itself."""
    for number, (_, data) in enumerate(kit.mr_files(slices)):
        item = pydicom.dcmread(io.BytesIO(data))
        item.StudyInstanceUID, item.SeriesInstanceUID = study, f"{study}.1"
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = f"{study}.1.{number}"
        for keyword, value in (raw or {}).items():
            tag = Tag(tag_for_keyword(keyword) or 0)
            item._dict[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
        out = io.BytesIO()
        item.save_as(out, enforce_file_format=True)
        spool.keep(out.getvalue())


@pytest.mark.parametrize("keyword", ["PatientSize", "PatientWeight"])
def test_a_number_that_is_none_costs_no_result(config: NodeConfig, spool: Spool, store: Store, keyword: str) -> None:
    _received(spool, ODD, 3, {keyword: b"\xff\xff"})
    assert Work(config, spool, store, HandMade()).step() == 1
    waiting = spool.waiting()
    assert sorted(one.kind for one in waiting) == ["seg-binary", "seg-binary", "sr", "sr-regions"]
    assert not any(keyword in pydicom.dcmread(io.BytesIO(spool.data(one))) for one in waiting)


class Trips(HandMade):
    """An engine that falls over studies of three slices."""

    def review(self, study: Study, system_name: str, series_index: int = 0, **more: Any) -> Review:
        if study.series[series_index].slices == 3:
            raise ZeroDivisionError
        return super().review(study, system_name, series_index, **more)


def test_a_study_that_an_engine_falls_over_is_kept_and_the_next_is_answered(
    config: NodeConfig, spool: Spool, store: Store
) -> None:
    for study, slices in ((ODD, 3), (GOOD, 4)):
        _received(spool, study, slices)
    assert Work(config, spool, store, Trips()).step() == 2
    (archive,) = store.archives()
    assert sorted(case.details["slices"] for case in store.cases(archive.id or 0)) == [3, 4]
    assert spool.counts() == {"received, waiting": 0, "unread": 0, "results waiting": 4, "results sent": 0}
    assert [line["event"] for line in spool.journal()].count("no result") == 1


def test_a_study_that_importing_falls_over_is_set_aside(
    config: NodeConfig, spool: Spool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Importer.take

    def falls(self: Importer, survey: Any, found: Any) -> Any:
        if len(found.files) == 3:
            raise KeyError
        return take(self, survey, found)

    monkeypatch.setattr(Importer, "take", falls)
    for study, slices in ((ODD, 3), (GOOD, 4)):
        _received(spool, study, slices)
    assert Work(config, spool, store, HandMade()).step() == 2
    assert spool.counts() == {"received, waiting": 0, "unread": 3, "results waiting": 4, "results sent": 0}


def test_a_study_that_the_store_refuses_waits_and_holds_up_no_other(
    config: NodeConfig, spool: Spool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Store.add_case

    def refuses(self: Store, *given: Any, **facts: Any) -> Any:
        if facts["details"]["slices"] == 3:
            raise StoreError("The database cannot be written to.")
        return add(self, *given, **facts)

    monkeypatch.setattr(Store, "add_case", refuses)
    for study, slices in ((ODD, 3), (GOOD, 4)):
        _received(spool, study, slices)
    with pytest.raises(StoreError):
        Work(config, spool, store, HandMade()).step()
    assert spool.counts() == {"received, waiting": 3, "unread": 0, "results waiting": 4, "results sent": 0}
    monkeypatch.setattr(Store, "add_case", add)
    assert Work(config, spool, store, HandMade()).step() == 1
    assert spool.counts()["received, waiting"] == 0


def test_a_journal_that_cannot_be_written_to_costs_no_image(
    config: NodeConfig, spool: Spool, store: Store, tmp_path: Path
) -> None:
    (spool.folder / "journal.jsonl").mkdir()
    stop = serve(config, spool)
    try:
        assert storescu(written(tmp_path / "files", kit.mr_files(3)), config.port) == 0
    finally:
        stop()
    assert Work(replace(config, quiet=0.0), spool, store, HandMade()).step() == 1
    assert spool.counts()["results waiting"] == 4


def test_what_nobody_foresaw_does_not_end_the_sending(
    config: NodeConfig, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, tried = threading.Event(), []

    def falls(*_: object) -> int:
        tried.append(1)
        raise ValueError

    monkeypatch.setattr(process, "PAUSE", 0.01)
    monkeypatch.setattr(process, "send_due", falls)
    thread = threading.Thread(target=process._keep_sending, args=(config, spool, ended), daemon=True)
    thread.start()
    until(lambda: len(tried) > 2, seconds=10)
    assert thread.is_alive()
    ended.set()
    thread.join(timeout=10)
