"""Shared fixtures: where the real data is, how tests are shared out, one thread each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadGroupScheduling

if TYPE_CHECKING:
    from playwright.sync_api import Browser

import core.systems  # noqa: F401  the systems tell core.simulate what their scans look like

ROOT = Path(__file__).resolve().parent.parent
# Here before anything loads the libraries that read it. The networks of the tests are small: threads that wait for each
# other cost more than they bring, and workers and servers share the cores.
os.environ["OMP_NUM_THREADS"] = "1"


def real_data_root() -> Path | None:
    """Folder with the real sets, or ``None`` on a machine without them."""
    for candidate in (os.environ.get("OVERREAD_DATA"), str(ROOT.parent / "shared" / "datasets")):
        if candidate and (Path(candidate) / "brain-lgg" / "index.csv").is_file():
            return Path(candidate)
    return None


class ByFile(LoadGroupScheduling):  # type: ignore[misc]
    """Hands workers whole files, whose fixtures are then made once; all browser tests are one worker's."""

    def _split_scope(self, nodeid: str) -> str:
        group = str(super()._split_scope(nodeid))
        return group.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """How tests are shared out where there are several workers."""
    return ByFile(config, log)


def pytest_itemcollected(item: pytest.Item) -> None:
    """One worker has the browser and the servers behind it: two cores drive no second one."""
    if item.get_closest_marker("browser"):
        item.add_marker(pytest.mark.xdist_group("browser"))


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
def real_data() -> Path:
    """Folder with the real sets."""
    root = real_data_root()
    assert root is not None, "collected a test on real data on a machine without it"
    return root
