"""Whether a sum over cases may be told to a reader for whom some of them are still blind."""

from __future__ import annotations

from collections.abc import Collection

from core.review.archives.scoring import Installed
from core.review.store import Store

FEWEST_HIDDEN = 20  # sums over fewer blind cases would tell of each
HELD_BACK = (
    "Held back while only a few of the cases that count here are still blind for you, or some of those wait to be "
    "scored: what all of them add up to would give away the models' answers for single ones. It comes back when you "
    "have given your opinion on them."
)


def sums_tell(
    store: Store, archive_id: int, models: Installed, reader: int, counted: Collection[int] | None = None
) -> bool:
    """Whether a sum of what the models say would tell a reader what they say of single cases still blind to him.

    What is open to the reader can be taken off a sum: with one case left, the rest is that case's own answer. So can
    what was told a moment ago: while cases wait for the models, each one scored is the difference of two sums.

    Args:
        counted: cases that go into the sum; by default all those of the system.
    """
    ours = {case.id or 0 for case in store.cases(archive_id) if case.system == models.system}
    blind = ours - store.revealed(archive_id, reader)
    hidden = blind if counted is None else blind & set(counted)
    if not hidden:
        return False
    asked = {score.case_id for score in store.machine_scores(archive_id) if models.gave(score)}
    return len(hidden) < FEWEST_HIDDEN or not blind <= asked
