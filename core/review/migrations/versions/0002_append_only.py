"""Triggers that refuse to change or delete opinions, reveals, peer reviews, adjudications, overrules, audit entries."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What makes a row unique: SQLite's INSERT OR REPLACE deletes the row in its way without a delete trigger unless
# recursive triggers are on, so a colliding insert is refused too.
KEYS = {
    "opinions": ("id", "case_id, reader, stage"),
    "reveals": ("id", "case_id, reader"),
    "peer_reviews": ("id", "case_id, reader"),
    "adjudications": ("id", "arbitration_id"),
    "overrules": ("id",),
    "audit_entries": ("seq", "previous", "sha256"),
}


def _same(key: str) -> str:
    return "(" + " AND ".join(f"{name} = NEW.{name}" for name in key.split(", ")) + ")"


def upgrade() -> None:
    """Create the triggers."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION overread_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
            "END $$"
        )
        for table in KEYS:
            op.execute(
                f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION overread_append_only()"
            )
        return
    for table, keys in KEYS.items():
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # nosec B608  (our own names)
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {' OR '.join(map(_same, keys))}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
