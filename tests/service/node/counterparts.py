"""The other side of the wire: a real Orthanc, DCMTK's commands, and models with hand-made answers."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.engine.results import ModelState, Review
from core.imaging import Study, read
from tests.reports import kit


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Orthanc:
    """A running Orthanc, by its REST interface."""

    dicom_port: int
    http: httpx.Client

    @property
    def web(self) -> str:
        """Address of its DICOMweb."""
        return f"{str(self.http.base_url).rstrip('/')}/dicom-web"

    def instances(self) -> list[dict[str, Any]]:
        """Simplified tags of every stored object."""
        return [
            self.http.get(f"/instances/{one}/simplified-tags").raise_for_status().json()
            for one in self.http.get("/instances").raise_for_status().json()
        ]

    def file(self, sop_uid: str) -> bytes:
        """The stored file of an object."""
        found = self.http.post("/tools/find", json={"Level": "Instance", "Query": {"SOPInstanceUID": sop_uid}}).json()
        return self.http.get(f"/instances/{found[0]}/file").content


@contextmanager
def orthanc(folder: Path, modalities: dict[str, tuple[str, int]], port: int | None = None) -> Iterator[Orthanc]:
    """Orthanc with DICOMweb on free ports of this machine.

    Args:
        modalities: AE title and port of the nodes that it may send to, by the name that its REST interface has.
    """
    folder.mkdir(exist_ok=True)
    dicom, web = port or free_port(), free_port()
    config = {
        "Name": "tests", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
        "DicomAet": "ORTHANC", "DicomPort": dicom, "HttpPort": web, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True, "StableAge": 1,
        "DicomModalities": {name: [title, "127.0.0.1", port] for name, (title, port) in modalities.items()},
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(config))
    command = [shutil.which("Orthanc") or "/usr/sbin/Orthanc", str(folder / "orthanc.json")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = httpx.Client(base_url=f"http://127.0.0.1:{web}", timeout=30)
    try:
        for _ in range(300):
            assert process.poll() is None, "Orthanc did not start"
            try:
                client.get("/system").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield Orthanc(dicom, client)
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=30)


def storescu(files: Sequence[Path], port: int, calling: str = "STORESCU", called: str = "OVERREAD", *more: str) -> int:
    """Send files by DCMTK; its exit code."""
    command = ["storescu", "-aet", calling, "-aec", called, *more, "127.0.0.1", str(port), *map(str, files)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode


class HandMade:
    """An engine whose answers are :func:`tests.reports.kit.review_of`'s."""

    weights = Path("nowhere")

    def states(self, system_name: str | None = None) -> tuple[ModelState, ...]:
        study = read(kit.mr_files(3))
        return tuple(r.state for r in kit.review_of(study, system_name or "brain-mr").results)

    def review(self, study: Study, system_name: str, series_index: int = 0, **_: Any) -> Review:
        return kit.review_of(study, system_name, series_index)


def written(folder: Path, files: Sequence[tuple[str, bytes]]) -> list[Path]:
    """Files of an upload as files on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files:
        (folder / name).write_bytes(data)
    return [folder / name for name, _ in files]


def until(done: Any, seconds: float = 120.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
