"""Which cases wait for a reader, in the order of the worklist."""

from __future__ import annotations

from core.review import Store
from dashboard.widgets.read_case import mine


def waiting(store: Store, archive_id: int, reader: int) -> list[int]:
    """Cases of an archive without this reader's opinion, the most promising first."""
    value = {d.case_id: d.value for d in store.machine_discrepancies(archive_id)}
    cases = [c.id for c in store.cases(archive_id) if c.id is not None and c.system is not None]
    ranked = sorted(cases, key=lambda c: (-value.get(c, float("-inf")), c))
    return [c for c in ranked if not mine(store, c, reader)]


def next_case(store: Store, archive_id: int, reader: int, after: int | None) -> int | None:
    """The next case to read: not the one on the desk."""
    return next((c for c in waiting(store, archive_id, reader) if c != after), None)
