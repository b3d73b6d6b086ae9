"""Whether an image waits for a reader's own opinion, wherever it is opened and however it was saved."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from time import monotonic

import numpy as np

from core import imaging
from core.errors import MemoryFullError, OverreadError
from core.imaging.study import Study
from core.review.kept.looks import looks, near, reduced, same, variants
from core.review.store import Store
from core.review.tables import Case
from core.review.vocabulary import Mode

FRESH_SECONDS = 20.0  # looking through all cases takes a moment, and every click asks


class Watched:
    """A study that somebody has opened, with the cases of the store that show the same.

    Which cases do is looked up at most every :data:`FRESH_SECONDS`; whether they still wait, at every question.
    """

    def __init__(self, study: Study, clock: Callable[[], float] = monotonic) -> None:
        self.study = study
        self._clock = clock
        self._seen: tuple[float, tuple[str, ...]] | None = None

    def waiting(self, store: Store, reader: int) -> list[int]:
        """Cases that wait for the reader and hold an image of the study: the same bytes, the same pixels in another
        wrapping (renamed, zipped, PNG as TIFF, one among other slices), or the same picture saved again."""
        if self._seen is None or self._clock() - self._seen[0] >= FRESH_SECONDS:
            planes = [plane for series in self.study.series for plane in series.pixels]
            alike = _alike(store, planes, frozenset(series.key for series in self.study.series))
            self._seen = (self._clock(), (self.study.sha256, *(case.content_hash for case in alike)))
        return store.hidden_by_content(self._seen[1], reader)


def picture_waits(store: Store, plane: np.ndarray, reader: int) -> bool:
    """Whether a single picture, ``(height, width)``, waits for the reader's own opinion."""
    return Pictures().wait(store, "", lambda: plane, reader)


class Pictures:
    """Pictures of a gallery, by name: which cases show the same is remembered as in :class:`Watched`."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[float, tuple[str, ...]]] = {}

    def wait(self, store: Store, name: str, plane: Callable[[], np.ndarray], reader: int) -> bool:
        """Whether a picture waits for the reader's own opinion.

        Args:
            name: tells it from all others. plane: reads its pixels ``(height, width)``.
        """
        seen = self._seen.get(name)
        if seen is None or self._clock() - seen[0] >= FRESH_SECONDS:
            blind = any(archive.mode == Mode.SECOND_READER for archive in store.archives())
            alike = _alike(store, [plane()], frozenset()) if blind else []
            seen = self._seen[name] = (self._clock(), tuple(case.content_hash for case in alike))
        return bool(seen[1] and store.hidden_by_content(seen[1], reader))


def _alike(store: Store, planes: Sequence[np.ndarray], keys: frozenset[str]) -> list[Case]:
    """Cases of archives that are read blind with the same series, or with a slice that shows the same."""
    blind = [archive.id or 0 for archive in store.archives() if archive.mode == Mode.SECOND_READER]
    cases = [case for archive in blind for case in store.cases(archive)]
    if not cases:
        return []
    mine = [seen for plane in planes for seen in variants(plane)]
    hashes = looks(mine)
    found = []
    for case in cases:
        if keys & set(case.details.get("series_keys", ())) or (
            near(hashes, case.details.get("looks", ())) and _shows(store, case, mine, hashes)
        ):
            found.append(case)
    return found


def _shows(store: Store, case: Case, mine: list[np.ndarray], hashes: list[str]) -> bool:
    """Where the hashes are near, the pictures themselves decide."""
    try:
        kept = imaging.read(store.case_bytes(case.id or 0))
    except MemoryFullError:
        raise  # what could not be compared may wait: nothing is told
    except OverreadError:
        return False
    stored = [reduced(plane) for series in kept.series for plane in series.pixels]
    pairs = itertools.product(zip(mine, hashes, strict=True), zip(stored, looks(stored), strict=True))
    return any(near([a], [b]) and same(seen, other) for (seen, a), (other, b) in pairs)
