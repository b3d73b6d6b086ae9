"""A real server on a free port of this machine, and a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.dashboard.ward import School, opened_school

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("OVERREAD_CHROMIUM", "/usr/bin/chromium"))
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-3d-apis",  # software WebGL is slow: pages are tested with the simple viewer, the other in tests/viewer
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 120
expect.set_options(timeout=60_000)  # a loaded machine with two cores is slow, not wrong


@dataclass(frozen=True)
class Server:
    """A running dashboard."""

    url: str
    weights: Path


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(folder: Path, log: Path) -> Iterator[Server]:
    """Serve models from a folder, beside the log, until the generator is closed."""
    port = free_port()
    environment = os.environ | {
        "OVERREAD_WEIGHTS": str(folder),
        "OVERREAD_STORE": str(log.parent / "store"),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/Home.py", "--server.port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    url = f"http://localhost:{port}"
    try:
        wait_for(f"{url}/_stcore/health", process, log)
        yield Server(url, folder)
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a server answers; fails with its log when it ends or takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended: {log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not start within {START_SECONDS} s: {log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school for all tests of classes: each makes a quiz of its own."""
    with opened_school(tmp_path_factory.mktemp("school")) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh session, 1440 x 900; the test fails when the browser's console reports an error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(90_000)
    opened = context.new_page()
    errors = watch(opened)
    yield opened
    context.close()
    assert errors == []


def watch(page: Page) -> list[str]:
    """Collects what the console reports as an error from now on."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # On an address below the root, Streamlit's client looks for its server there first and is told 404.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            errors.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
