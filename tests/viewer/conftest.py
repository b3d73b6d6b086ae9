"""A Chromium that draws WebGL in software, and the viewer's own test server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.viewer import build
from tests.dashboard.conftest import ARGS, CHROMIUM, ROOT, free_port, wait_for, watch
from tests.dashboard.ward import Ward, opened_ward, reading_room

# WebGL by the processor, and the page put together by it too, as on a machine without a graphics card.
PROGRAM = [*(argument for argument in ARGS if argument != "--disable-3d-apis"), "--enable-unsafe-swiftshader"]
LOADED = ".reader[data-loaded=true]"


def launch(browser: Browser) -> Browser:
    """A second browser of the same Playwright, with WebGL."""
    assert build.built() is not None, f"The viewer's tests need its bundle: run `{build.COMMAND}`."
    return browser.browser_type.launch(executable_path=str(CHROMIUM), args=PROGRAM)


@pytest.fixture
def page(drawing: Browser) -> Iterator[Page]:
    """A fresh session, 1440 x 900; the test fails when the browser's console reports an error."""
    context = drawing.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(120_000)
    opened = context.new_page()
    errors = watch(opened)
    yield opened
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """An archive with a case for each test that reads one of them."""
    with opened_ward(tmp_path_factory.mktemp("ward"), 3) as opened:
        yield opened


@pytest.fixture
def visit(drawing: Browser) -> Iterator[BrowserContext]:
    """A visit to the reading room of :mod:`tests.dashboard.ward`."""
    with reading_room(drawing) as context:
        yield context


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the viewer over the series of :mod:`tests.viewer.cases`."""
    with served(tmp_path_factory.mktemp("bench")) as url:
        yield url


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The viewer's own test server, with its store and log in a folder."""
    port, log = free_port(), folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "tests/viewer/app.py", "--server.port", str(port)]
    environment = os.environ | {"OVERREAD_STORE": str(folder / "store"), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    url = f"http://localhost:{port}"
    try:
        wait_for(f"{url}/_stcore/health", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def opened(page: Page, address: str) -> None:
    """Open a page with a viewer and wait until all slices are there; it has the focus, for which the page scrolls."""
    page.goto(address)
    expect(page.locator(LOADED).first).to_be_visible(timeout=120_000)
    page.locator(LOADED).first.focus()
