"""A node that is killed while it receives has on its disk whatever it acknowledged, and goes on with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from core.review.store import Store
from dashboard.service.node.spool import Spool
from tests.conftest import ROOT
from tests.reports import kit
from tests.service.node.counterparts import free_port, storescu, until, written


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    port = free_port()
    settings = {
        "OVERREAD_STORE": str(tmp_path / "store"), "OVERREAD_WEIGHTS": str(tmp_path / "weights"),
        "OVERREAD_DICOM_PORT": str(port), "OVERREAD_DICOM_ADDRESS": "127.0.0.1", "OVERREAD_DICOM_PEERS": "STORESCU",
        "OVERREAD_DICOM_QUIET_SECONDS": "4",
    }  # fmt: skip
    files = sorted(written(tmp_path / "files", kit.mr_files(12)))

    def node() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dashboard.command", "node", "run"]
        started = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True)
        assert started.stdout is not None
        assert "listens on" in started.stdout.readline()
        return started

    first = node()
    assert storescu(files[:7], port) == 0
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert storescu(files[7:], port) != 0  # nobody there: the sender keeps these
    spool = Spool(tmp_path / "store" / "dicom")
    assert spool.counts()["received, waiting"] == 7

    second = node()
    try:
        assert storescu(files[7:], port) == 0
        until(lambda: spool.counts()["received, waiting"] == 0)
    finally:
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=120) == 0
    store = Store.open(str(tmp_path / "store"))
    (archive,) = store.archives()
    cases = store.cases(archive.id or 0)
    assert [case.details["slices"] for case in cases] == [12]
    store.close()
