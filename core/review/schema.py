"""Bring a database up to date with the tables, by alembic, whichever process comes first."""

from __future__ import annotations

import threading
from collections.abc import Collection
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import StaticPool

from core.errors import StoreError
from core.review import noted_head

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
UPGRADE_LOCK = 0x0FE1
_LAST = "SELECT seq, sha256 FROM audit_entries ORDER BY seq DESC LIMIT 1"
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
    last = None
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
            last = connection.execute(text(_LAST)).first()
    if last is not None and images_folder is not None:  # what it added to the trail is noted as any entry is
        noted_head.note(images_folder.parent, *last)


_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
_GUARDS = (
    "SELECT t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, p.prosrc FROM pg_trigger t "
    "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
)
_RULES = (
    "SELECT r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class "
    "WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)"
)
_REFUSING = (
    "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END"
)


def meddled(connection: Connection, protected: Collection[str]) -> list[str]:
    """What of a database's tables and triggers is not as this program makes it: gone, altered, or a trigger too many.

    A trigger of the right name may do nothing, one more may rewrite what is written, and a view may stand in the place
    of a table. Tables and views of other names are nobody's harm.

    Args:
        protected: names of the tables that are only ever added to.
    """
    if connection.dialect.name == "postgresql":
        return _meddled_postgres(connection, protected)
    wanted, found = _made(), _objects(connection)
    gone = [f"{name} ({kind}, missing)" for kind, name in wanted.keys() - found.keys()]
    other = [f"{name} ({kind}, altered)" for kind, name in wanted.keys() & found.keys()
             if wanted[kind, name] != found[kind, name]]  # fmt: skip
    more = [f"{name} ({kind}, not Overread's)" for kind, name in found.keys() - wanted.keys() if kind == "trigger"]
    return sorted(gone + other + more)


def _objects(connection: Connection) -> dict[tuple[str, str], tuple[str, str]]:
    return {(kind, name): (table, sql or "") for kind, name, table, sql in connection.execute(text(_OBJECTS))}


@cache
def _made() -> dict[tuple[str, str], tuple[str, str]]:
    """The objects of a fresh SQLite database."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        upgrade(engine)
        with engine.connect() as connection:
            return _objects(connection)
    finally:
        engine.dispose()


def _meddled_postgres(connection: Connection, protected: Collection[str]) -> list[str]:
    left = {f"{table}_no_change": table for table in protected}
    wrong = [
        f"{name} (rule, not Overread's)" for (name,) in connection.execute(text(_RULES), {"names": list(protected)})
    ]
    for name, definition, enabled, source in connection.execute(text(_GUARDS)):
        table = left.pop(name, None)
        if table is None:
            wrong.append(f"{name} (trigger, not Overread's)")
            continue
        whole = f"CREATE TRIGGER {name} BEFORE DELETE OR UPDATE OR TRUNCATE ON "
        ends = f".{table} FOR EACH STATEMENT EXECUTE FUNCTION overread_append_only()"
        right = definition.startswith(whole) and definition.endswith(ends) and " ".join(source.split()) == _REFUSING
        if not right or enabled not in ("O", "A"):
            wrong.append(f"{name} (trigger, altered)")
    return sorted(wrong + [f"{name} (trigger, missing)" for name in left])
