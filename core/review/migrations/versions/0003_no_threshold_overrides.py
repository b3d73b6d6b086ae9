"""Operating points that a lead set go: nothing was ever scored with them. What was set stays in the audit trail."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the table."""
    op.drop_table("threshold_overrides")
