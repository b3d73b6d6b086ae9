"""Which cases wait for a reader, in the order of the worklist."""

from __future__ import annotations

from collections.abc import Iterator

from core.review import Mode, Store
from core.review.archives import WorklistRow, installed, worklist
from core.review.tables import Archive
from dashboard.kit.archive_choice import systems_of
from dashboard.kit.engine import engine
from dashboard.read.case import mine


def rows(store: Store, archive: Archive, reader: int) -> list[WorklistRow]:
    """Rows that may still be read: in an archive read blind those that are hidden, else all."""
    return [
        row
        for system in systems_of(store, archive)
        for row in worklist(store, archive.id or 0, installed(engine(), system), reader).rows
        if row.hidden or archive.mode == Mode.OPEN
    ]


def unread(store: Store, found: list[WorklistRow], reader: int, after: int | None = None) -> Iterator[int]:
    """Those without this reader's opinion, one by one: whoever needs the next one only asks for no more.

    Args:
        after: the case on the desk, which is left out.
    """
    return (row.case_id for row in found if row.case_id != after and not mine(store, row.case_id, reader))
