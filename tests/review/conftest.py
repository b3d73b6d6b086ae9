"""Stores for the tests: SQLite, and a real PostgreSQL server; each test gets a fresh one."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.review import Store
from tests.review import postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an empty store: copying it is quicker than migrating for every test."""
    folder = tmp_path_factory.mktemp("made") / "store"
    Store.open(str(folder)).close()
    return folder


@pytest.fixture(scope="session")
def made_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of a server, and the name of a database on it that holds an empty store."""
    with postgres.server() as address:
        url = postgres.new_database(address, "made")
        Store.open(url, tmp_path_factory.mktemp("images")).close()
        yield address, "made"


@pytest.fixture
def sqlite_store(made_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """A fresh store in a SQLite file."""
    shutil.copytree(made_sqlite, tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    yield store
    store.close()


@pytest.fixture
def postgres_store(made_postgres: tuple[str, str], tmp_path: Path) -> Iterator[Store]:
    """A fresh store in PostgreSQL."""
    address, made = made_postgres
    store = Store.open(postgres.new_database(address, f"t{next(_numbers)}", made), tmp_path / "images")
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """A fresh store, once in each kind of database."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found
