"""Bring a database up to date with the tables, by alembic, whichever process comes first."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from core.errors import StoreError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
UPGRADE_LOCK = 0x0FE1
_one_at_a_time = threading.Lock()  # alembic keeps its context in module globals


def _config(connection: Connection | None = None, images_folder: Path | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["images"] = images_folder
    return config


def newest() -> str:
    """Revision that this program's tables need."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StoreError("The program's migrations are missing.", "Install it again.")
    return head


def revision(engine: Engine) -> str | None:
    """Revision a database is at; ``None`` for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, images_folder: Path | None = None) -> None:
    """Run the missing migrations in one transaction.

    Args:
        images_folder: of the store, for migrations that turn paths into pseudonyms.

    Raises:
        StoreError: the database was written by a newer program.
    """
    head = newest()
    if revision(engine) == head:
        return
    with _one_at_a_time, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if found is not None and found not in known:
            raise StoreError(
                f"The store was written by a newer version of Overread (revision {found}).", "Update Overread."
            )
        if found != head:
            command.upgrade(_config(connection, images_folder), "head")
