"""Alembic runs this: migrate over the connection that ``core.review.schema`` hands in."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import core.review.tables  # noqa: F401  (the tables must be known)

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata, transactional_ddl=False
)
context.run_migrations()
