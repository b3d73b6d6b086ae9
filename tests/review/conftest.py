"""Stores for the tests: SQLite, and a real PostgreSQL server; each test gets a fresh one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from core.review import Store
from tests.review import postgres


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an empty store: copying it is quicker than migrating for every test."""
    folder = tmp_path_factory.mktemp("made") / "store"
    Store.open(str(folder)).close()
    return folder


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """Address of a running server."""
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="session")
def made_postgres(postgres_address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a database with an empty store."""
    url = postgres.new_database(postgres_address, "made")
    Store.open(url, tmp_path_factory.mktemp("images")).close()
    return url


@pytest.fixture
def sqlite_store(made_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """A fresh store in a SQLite file."""
    shutil.copytree(made_sqlite, tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    yield store
    store.close()


@pytest.fixture
def postgres_store(made_postgres: str, tmp_path: Path) -> Iterator[Store]:
    """An emptied store in PostgreSQL."""
    store = Store.open(made_postgres, tmp_path / "images")
    # Not TRUNCATE, which writes the files of every table anew: few of them hold anything.
    emptied = " ".join(f"DELETE FROM {table.name};" for table in SQLModel.metadata.sorted_tables)
    anew = "PERFORM setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;"
    with store.engine.begin() as connection:
        # Only a superuser may pass by the triggers like this; the store's own user need not be one.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"DO $$ BEGIN {emptied} {anew} END $$"))
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """A fresh store, once in each kind of database."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found
