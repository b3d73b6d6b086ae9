"""What models said is kept by their weights and version together: one file of weights may serve several versions.

Scores have always named the version. Places on worklists were known by the weights alone: they are named anew where all
scoring of the archive with those weights was by one version. Comparisons with the calibration set get the version that
the archive's scores name, where it is one. What cannot be told counts as another version's, and is made again by
scoring or comparing.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SCORES = ("case_id", "system", "model", "weights_sha256")
_ITEMS = ("item_id", "model", "weights_sha256")


def upgrade() -> None:
    """Add the columns, widen the unique constraints, and name what is there."""
    for table in ("item_scores", "drift_readings"):
        op.add_column(table, sa.Column("version", sa.String(), nullable=False, server_default=""))
    _widen("scores", _SCORES)
    _widen("item_scores", _ITEMS)
    _name_comparisons()
    _name_places()


def _widen(table: str, columns: tuple[str, ...]) -> None:
    """Make the version part of what is unique.

    SQLite can only make a table anew. Not by alembic's batches: they put a table's foreign keys in another order each
    time, and ``core.review.schema`` holds every table against the text that a fresh store has.
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(f"{table}_{'_'.join(columns)}_key", table, type_="unique")
        op.create_unique_constraint(None, table, [*columns, "version"])
        return
    made = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL ORDER BY type = 'index'")
    whole, *indexes = connection.scalars(made, {"table": table}).all()
    before, after = f"UNIQUE ({', '.join(columns)})", f"UNIQUE ({', '.join((*columns, 'version'))})"
    op.execute(whole.replace(before, after).replace(f"CREATE TABLE {table}", f"CREATE TABLE {table}_anew", 1))
    op.execute(f"INSERT INTO {table}_anew SELECT * FROM {table}")  # nosec B608  (our own names)
    op.drop_table(table)
    op.rename_table(f"{table}_anew", table)
    for index in indexes:
        op.execute(index)


def _name_comparisons() -> None:
    op.execute(
        "UPDATE drift_readings SET version = COALESCE(("
        "SELECT CASE WHEN COUNT(DISTINCT s.version) = 1 THEN MIN(s.version) END "
        "FROM scores s JOIN cases c ON s.case_id = c.id WHERE c.archive_id = drift_readings.archive_id "
        "AND s.system = drift_readings.system AND s.model = drift_readings.model "
        "AND s.weights_sha256 = drift_readings.weights_sha256), '')"
    )


def _name_places() -> None:
    connection = op.get_bind()
    runs = connection.execute(sa.text("SELECT archive_id, models FROM score_runs")).all()
    now: dict[tuple[int, str], set[str]] = defaultdict(set)
    for archive, kept in runs:
        models = kept if isinstance(kept, dict) else json.loads(kept)
        known = [(str(one.get("weights_sha256", "")), str(one.get("version", ""))) for one in models.values()]
        now[archive, _hash(weights for weights, _ in known)].add(_hash(" ".join(one) for one in known))
    for (archive, old), new in now.items():
        if len(new) == 1:
            connection.execute(
                sa.text(
                    "UPDATE discrepancies SET models = :new WHERE models = :old "
                    "AND case_id IN (SELECT id FROM cases WHERE archive_id = :archive)"
                ),
                {"new": min(new), "old": old, "archive": archive},
            )


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(texts))).encode()).hexdigest()
