"""Reader studies: their plan, their arms, who reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.String(length=27)


def _number(name: str, refers: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(refers), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        _number("owner", "users.number"),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("sessions", sa.JSON(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("closed", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "study_arms",
        sa.Column("id", sa.Integer(), nullable=False),
        _number("study_id", "studies.id"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        _number("quiz_id", "quizzes.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("quiz_id"),
        sa.UniqueConstraint("study_id", "position"),
    )
    op.create_table(
        "study_readers",
        sa.Column("id", sa.Integer(), nullable=False),
        _number("study_id", "studies.id"),
        sa.Column("place", sa.Integer(), nullable=False),
        _number("learner_id", "learners.id"),
        sa.Column("joined", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("study_id", "place"),
        sa.UniqueConstraint("study_id", "learner_id"),
    )
    for table, column in (
        ("study_arms", "study_id"),
        ("study_readers", "study_id"),
        ("study_readers", "learner_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
