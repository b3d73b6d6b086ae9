"""Stores for the tests of teaching, as for those of the store itself."""

from __future__ import annotations

from tests.review.conftest import (  # noqa: F401
    made_postgres,
    made_sqlite,
    postgres_address,
    postgres_store,
    sqlite_store,
    store,
)
