"""Shared fixtures: where the real data is, how tests are shared out, one thread each."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.workermanage import WorkerController

    from tests.dashboard.conftest import Server

import core.systems  # noqa: F401  the systems tell core.simulate what their scans look like

ROOT = Path(__file__).resolve().parent.parent
# Here before anything loads the libraries that read it. The networks of the tests are small: threads that wait for each
# other cost more than they bring, and workers and servers share the cores.
os.environ["OMP_NUM_THREADS"] = "1"
# Stores write every opinion through to the disk: where a disk lies in memory, thousands of tests wait for no other.
if Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 8e9:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")


def real_data_root() -> Path | None:
    """Folder with the real sets, or ``None`` on a machine without them."""
    for candidate in (os.environ.get("OVERREAD_DATA"), str(ROOT.parent / "shared" / "datasets")):
        if candidate and (Path(candidate) / "brain-lgg" / "index.csv").is_file():
            return Path(candidate)
    return None


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Hands workers whole files, whose fixtures are then made once.

    The first worker begins with the files that need a browser, the others with the rest; whoever is done takes from
    what is left, of the browser's from the other end. So the servers that many files share run once, two browsers are
    at work only where nothing else is left to do, and no worker waits for another. Groups (``--dist=loadgroup``) would
    not do: with pytest 9.2 xdist 3.8 takes no notice of their marks (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        browsers = sorted(filter(needs_browser, self.workqueue))
        others = [file for file in self.workqueue if file not in browsers]
        first = node is next(iter(self.nodes))
        wanted = [*browsers, *others] if first else [*others, *reversed(browsers)]
        self.workqueue.move_to_end(wanted[0], last=False)
        super()._assign_work_unit(node)


@functools.cache
def needs_browser(file: str) -> bool:
    """Whether some test of a file drives a browser; the scheduler knows names of tests, not their marks."""
    return "pytest.mark.browser" in (ROOT / file).read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """How tests are shared out where there are several workers."""
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the tests on real data where there is none: their simulated twins run everywhere."""
    if real_data_root() is not None:
        return
    dropped = [item for item in items if item.get_closest_marker("real")]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """A page run in this process leaves itself as ``__main__``; child processes of later tests would start as it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(autouse=True)
def no_loop_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright's event loop runs on between the tests that drive a browser: the others find none in their thread."""
    if request.node.get_closest_marker("browser"):
        yield
        return
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)


@pytest.fixture(scope="session", autouse=True)
def import_roots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests import from their own folders; without a word only the home folder may be imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERREAD_IMPORT_ROOTS", str(tmp_path_factory.getbasetemp()))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests: a second Playwright in the same process would refuse to start."""
    from playwright.sync_api import sync_playwright

    from tests.dashboard.conftest import ARGS, CHROMIUM

    assert CHROMIUM.is_file(), (
        f"The browser tests need Chromium at {CHROMIUM}: install Debian's package `chromium`, "
        "or name another one with OVERREAD_CHROMIUM."
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def drawing(browser: Browser) -> Iterator[Browser]:
    """The Chromium in which the viewer draws."""
    from tests.viewer.conftest import launch

    second = launch(browser)
    yield second
    second.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard with small untrained brain models, one refused chest model, nothing else."""
    from tests.dashboard import weights
    from tests.dashboard.conftest import serve

    folder = tmp_path_factory.mktemp("dashboard")
    yield from serve(weights.write(folder / "weights"), folder / "server.log")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard as it is shipped, with the weights of the repository."""
    from tests.dashboard.conftest import serve

    yield from serve(ROOT / "weights", tmp_path_factory.mktemp("shipped") / "server.log")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with the real sets."""
    root = real_data_root()
    assert root is not None, "collected a test on real data on a machine without it"
    return root
