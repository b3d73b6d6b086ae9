"""Images come from real Orthanc and DCMTK, become scored cases, and the results go back; nobody else is let in."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from core.errors import SettingError
from core.imaging import read
from core.review.store import Store
from core.settings import Settings
from dashboard.service.node.config import NodeConfig, Peer
from dashboard.service.node.fetching import fetch, search
from dashboard.service.node.receiving import serve
from dashboard.service.node.sending import send_due
from dashboard.service.node.spool import Spool
from dashboard.service.node.working import Work
from tests.reports import kit
from tests.service.node.counterparts import HandMade, Orthanc, free_port, orthanc, storescu, until, written


@pytest.fixture
def config() -> NodeConfig:
    return NodeConfig("OVERREAD", "127.0.0.1", free_port(), {"STORESCU": Peer("STORESCU")}, quiet=0.2)


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, int]]:
    """Orthanc, and the port where it looks for the node."""
    port = free_port()
    with orthanc(tmp_path_factory.mktemp("orthanc"), {"overread": ("OVERREAD", port)}) as running:
        yield running, port


def worked(config: NodeConfig, spool: Spool, store: Store) -> None:
    """One study, read as soon as it is complete."""
    work = Work(config, spool, store, HandMade())
    until(lambda: work.step() == 1)


def test_only_who_is_known_may_send_and_an_image_is_on_the_disk_when_it_is_acknowledged(
    config: NodeConfig, spool: Spool, tmp_path: Path
) -> None:
    files = written(tmp_path / "files", kit.mr_files(4))
    stop = serve(config, spool)
    try:
        assert storescu(files, config.port, "STRANGER") != 0
        assert storescu(files, config.port, called="SOMEBODY") != 0
        assert spool.counts()["received, waiting"] == 0
        assert (
            subprocess.run(
                ["echoscu", "-aet", "STORESCU", "-aec", "OVERREAD", "127.0.0.1", str(config.port)]
            ).returncode
            == 0
        )
        assert storescu(files, config.port) == 0
        assert storescu(files, config.port) == 0  # once more: the same images
    finally:
        stop()
    assert spool.counts()["received, waiting"] == 4
    kept = sorted(path.read_bytes() for path in spool.folder.glob("inbox/*/*.dcm"))
    for theirs, ours in zip(sorted(path.read_bytes() for path in files), kept, strict=True):
        assert pydicom.dcmread(io.BytesIO(theirs)).keys() == pydicom.dcmread(io.BytesIO(ours)).keys()
    pixels = {pydicom.dcmread(path).PixelData for path in files}
    assert {pydicom.dcmread(io.BytesIO(data)).PixelData for data in kept} == pixels
    told = (spool.folder / "journal.jsonl").read_text(encoding="utf-8")
    assert "rejected" in told
    for secret in (*kit.SECRETS, *(str(pydicom.dcmread(path).StudyInstanceUID) for path in files[:1])):
        assert secret not in told


def test_a_study_becomes_a_scored_case_and_its_results_go_to_the_archive_it_came_from(
    config: NodeConfig, spool: Spool, store: Store, pacs: tuple[Orthanc, int], tmp_path: Path
) -> None:
    orthanc_, port = pacs
    peers = {"ORTHANC": Peer("ORTHANC", "127.0.0.1", orthanc_.dicom_port)}
    config = replace(config, port=port, peers=peers, results=("ORTHANC",))
    files = written(tmp_path / "files", kit.mr_files(5))
    assert storescu(files, orthanc_.dicom_port, called="ORTHANC") == 0
    ids = orthanc_.http.get("/instances").json()
    stop = serve(config, spool)
    try:
        orthanc_.http.post("/modalities/overread/store", json=ids).raise_for_status()
    finally:
        stop()
    worked(config, spool, store)

    (archive,) = store.archives()
    (case,) = store.cases(archive.id or 0)
    assert case.system == "brain-mr"
    assert {score.model for score in store.machine_scores(archive.id or 0)} == {"unet", "resunet", "resnet50"}
    for data in (data for _, data in store.case_bytes(case.id or 0)):
        assert not any(secret.encode() in data for secret in kit.SECRETS)
    assert spool.counts() == {"received, waiting": 0, "unread": 0, "results waiting": 4, "results sent": 0}

    assert send_due(config, spool) == 4
    assert spool.counts()["results waiting"] == 0
    objects = orthanc_.instances()
    assert sorted(one["Modality"] for one in objects) == ["MR"] * 5 + ["SEG"] * 2 + ["SR"] * 2
    assert len({one["StudyInstanceUID"] for one in objects}) == 1
    assert {one["PatientID"] for one in objects} == {"PID-4711"}
    (unet,) = (one for one in objects if one["Modality"] == "SEG" and "unet" in str(one) and "resunet" not in str(one))
    seg = pydicom.dcmread(io.BytesIO(orthanc_.file(unet["SOPInstanceUID"])))
    assert seg.SegmentationType == "BINARY"
    # The outline lies on the images it was drawn on, by their identifiers.
    study = read([(path.name, path.read_bytes()) for path in files])
    drawn = kit.masks_of(study.series[0])
    images = sorted((pydicom.dcmread(path) for path in files), key=lambda one: float(one.ImagePositionPatient[2]))
    order = [one.SOPInstanceUID for one in images]
    for plane, frame in zip(np.atleast_3d(seg.pixel_array), seg.PerFrameFunctionalGroupsSequence, strict=True):
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        np.testing.assert_array_equal(plane > 0, drawn[order.index(source)])

    # The same study once more is the same case, and nothing is sent twice.
    stop = serve(config, spool)
    try:
        orthanc_.http.post("/modalities/overread/store", json=ids).raise_for_status()
    finally:
        stop()
    worked(config, spool, store)
    assert len(store.cases(archive.id or 0)) == 1
    assert spool.counts() == {"received, waiting": 0, "unread": 0, "results waiting": 0, "results sent": 4}


def test_a_dicomweb_server_is_searched_retrieved_from_and_sent_to_if_it_is_listed(
    config: NodeConfig, spool: Spool, store: Store, pacs: tuple[Orthanc, int], tmp_path: Path
) -> None:
    orthanc_, _ = pacs
    files = written(tmp_path / "files", kit.mr_files(3, StudyInstanceUID="1.2.3.4.5", PatientID="PID-5000"))
    assert storescu(files, orthanc_.dicom_port, called="ORTHANC") == 0
    with pytest.raises(SettingError, match="not on the list"):
        fetch(config, spool, orthanc_.web, "1.2.3.4.5")
    config = replace(config, servers=(orthanc_.web,), results=(orthanc_.web,))
    (found,) = search(config, orthanc_.web, {"PatientID": "PID-5000"})
    assert found.StudyInstanceUID == "1.2.3.4.5"
    assert fetch(config, spool, orthanc_.web, "1.2.3.4.5") == 3
    worked(config, spool, store)
    assert send_due(config, spool) == 4
    mine = [one["Modality"] for one in orthanc_.instances() if one["StudyInstanceUID"] == "1.2.3.4.5"]
    assert sorted(mine) == ["MR"] * 3 + ["SEG"] * 2 + ["SR"] * 2


def test_results_wait_for_an_archive_that_is_away(config: NodeConfig, spool: Spool, tmp_path: Path) -> None:
    port = free_port()
    config = replace(config, peers={"ORTHANC": Peer("ORTHANC", "127.0.0.1", port)}, results=("ORTHANC",))
    for number, (_, data) in enumerate(kit.mr_files(2)):
        assert spool.put(f"result-{number}", "sr", "ORTHANC", data)
        assert not spool.put(f"result-{number}", "sr", "ORTHANC", data)
    assert send_due(config, spool) == 0
    assert send_due(config, spool) == 0  # not due yet
    waiting = spool.waiting()
    assert [one.attempts for one in waiting] == [1, 1]
    assert all("cannot be reached" in one.error for one in waiting)
    with orthanc(tmp_path / "late", {}, port) as late:
        spool.at_once()
        assert send_due(config, spool) == 2
        assert len(late.instances()) == 2
    assert spool.waiting() == []
    assert not spool.put("result-0", "sr", "ORTHANC", b"")


def test_what_nothing_can_read_is_set_aside_and_told(config: NodeConfig, spool: Spool, store: Store) -> None:
    name, data = kit.mr_files(1)[0]
    broken = pydicom.dcmread(io.BytesIO(data))
    broken.Rows = 4000
    out = io.BytesIO()
    broken.save_as(out, enforce_file_format=True)
    spool.keep(out.getvalue())
    worked(config, spool, store)
    assert spool.counts()["unread"] == 1
    assert [line["event"] for line in spool.journal()] == ["unread"]
    assert name


def test_settings_that_contradict_each_other_are_refused(monkeypatch: pytest.MonkeyPatch, spool: Spool) -> None:
    def made(**values: str) -> NodeConfig:
        for name, value in values.items():
            monkeypatch.setenv(f"OVERREAD_{name}", value)
        return NodeConfig.of(Settings())

    with pytest.raises(SettingError, match="Nobody may call"):
        serve(made(), spool)
    config = made(DICOM_PEERS="PACS=10.0.0.7:104, CT1", DICOM_RESULTS="PACS")
    assert config.peers == {"PACS": Peer("PACS", "10.0.0.7", 104), "CT1": Peer("CT1")}
    with pytest.raises(SettingError, match="CT1, of which no address is known"):
        made(DICOM_RESULTS="CT1")
    with pytest.raises(SettingError, match="TLS is set in part"):
        made(DICOM_RESULTS="PACS", DICOM_KEY="key.pem")
    with pytest.raises(ValueError, match="is not TITLE=HOST:PORT"):
        made(DICOM_PEERS="PACS=somewhere")


def test_movescu_has_the_archive_bring_a_study_to_the_node(
    config: NodeConfig, spool: Spool, pacs: tuple[Orthanc, int], tmp_path: Path
) -> None:
    orthanc_, port = pacs
    config = replace(config, port=port, peers={"ORTHANC": Peer("ORTHANC", "127.0.0.1", orthanc_.dicom_port)})
    files = written(tmp_path / "files", kit.mr_files(3, StudyInstanceUID="1.2.3.4.6"))
    assert storescu(files, orthanc_.dicom_port, called="ORTHANC") == 0
    wanted = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.3.4.6"]
    stop = serve(config, spool)
    try:
        asked = ["movescu", "-S", "-aet", "OVERREAD", "-aec", "ORTHANC", "-aem", "OVERREAD", *wanted]
        subprocess.run([*asked, "127.0.0.1", str(orthanc_.dicom_port)], check=True)
    finally:
        stop()
    assert spool.counts()["received, waiting"] == 3
    got = {pydicom.dcmread(path).PixelData for path in spool.folder.glob("inbox/*/*.dcm")}
    assert got == {pydicom.dcmread(path).PixelData for path in files}
