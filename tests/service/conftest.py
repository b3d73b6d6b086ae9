"""A store and an interface for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.review import Store
from tests.service import kit


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an empty store: copying it is quicker than migrating for every test."""
    folder = tmp_path_factory.mktemp("made") / "store"
    Store.open(str(folder)).close()
    return folder


@pytest.fixture
def service(empty_store: Path, tmp_path: Path) -> Iterator[kit.Service]:
    """An interface over a fresh store."""
    shutil.copytree(empty_store, tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    yield kit.service(store)
    store.close()
