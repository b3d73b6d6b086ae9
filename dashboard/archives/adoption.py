"""Imports and scoring that a killed server left behind go on when the next one starts, whether anybody comes or not."""

from __future__ import annotations

from core.background import Job
from core.errors import OverreadError


def begin() -> None:
    """Load the libraries of the engine, which takes seconds, and take up what was left; in the background."""
    Job(_work, name="overread-adopt").start()


def _work(_: Job[None]) -> None:
    # Imported here: no page should wait for the engine's libraries.
    import core.engine.engine  # noqa: F401
    from core.review import open_store
    from core.review.archives import adopt
    from dashboard.kit import messages
    from dashboard.kit.engine import engine

    try:
        adopt(open_store(), engine())
    except OverreadError as error:
        messages.LOG.error("nothing could be taken up: %s", type(error).__name__)
