"""Cases read and looked at by gate and models a few together, beside the bookkeeping of those before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, runtime_checkable

from core.errors import OverreadError
from core.imaging import Study, read
from core.review.store import Store
from core.review.tables import Case

MOST_BYTES = 64 * 2**20  # of pixels read ahead
TOGETHER = 8  # cases; who asks about a slice meanwhile waits for one model's pass over so many


@runtime_checkable
class Foreseeing(Protocol):
    """An engine that can look at several images together, :class:`core.engine.engine.Engine`."""

    def foresee(self, studies: Sequence[tuple[Study, int]], system_name: str) -> None:
        """Prepare the reviews of single images, each with the number of its series."""


def read_ahead(store: Store, engine: object, cases: Sequence[Case], system: str) -> Iterator[tuple[Case, Study | None]]:
    """Cases in their order, each with its images; ``None`` where they are still to be read.

    One group is made ready while the one before it is at hand, so memory does not grow with the number of cases. Images
    are left where they could not be read (reading again tells why) and, with the rest of their group, where they are
    larger than :data:`MOST_BYTES`: such volumes are in memory one at a time.
    """
    groups = [cases[at : at + TOGETHER] for at in range(0, len(cases), TOGETHER)]
    with ThreadPoolExecutor(1, thread_name_prefix="overread-reading") as thread:
        coming: Future[list[Study | None]] | None = None
        group: Sequence[Case] = ()
        for after in (*groups, ()):
            ready = coming.result() if coming is not None else []
            coming = thread.submit(_made_ready, store, engine, after, system) if after else None
            yield from zip(group, ready, strict=True)
            group = after


def _made_ready(store: Store, engine: object, cases: Sequence[Case], system: str) -> list[Study | None]:
    studies: list[Study | None] = [None] * len(cases)
    left = MOST_BYTES
    for place, case in enumerate(cases):
        try:
            study = read(store.case_bytes(case.id or 0))
        except OverreadError:
            continue
        left -= sum(series.pixels.nbytes for series in study.series)
        if left < 0:
            break
        studies[place] = study
    known = [(one, series_of(case)) for case, one in zip(cases, studies, strict=True) if one is not None]
    if isinstance(engine, Foreseeing):
        engine.foresee([(one, index) for one, index in known if index < len(one.series)], system)
    return studies


def series_of(case: Case) -> int:
    """Which series of its images a case is."""
    return int(case.details.get("series_index", 0))
