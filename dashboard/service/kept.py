"""Studies that callers have given, and the reviews of them: in memory only, for a limited time, within a budget."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from weakref import ref

import numpy as np

from core.background import Job
from core.engine.as_job import ask
from core.engine.course import Course
from core.engine.engine import Engine
from core.engine.results import Review
from core.errors import NotFoundError
from core.imaging.study import Study
from core.line import Line
from core.review.kept.waiting import Watched
from core.systems import Match
from dashboard.service.problems import TooManyError

MOST_STUDIES = 32  # of one caller
MOST_BYTES = 1024 * 1024 * 1024  # of all callers
MOST_UNDER_WAY = 16  # reviews of all callers, running or waiting
MOST_OF_ONE = 4
IN_HAND_SECONDS = (
    60.0  # a caller that has just sent a study, or heard of it, asks about it next; on a busy machine late
)
TURN_SECONDS = 600.0  # a caller that was told to come again for a review does; how long depends on all the others
AT_ONCE = 1  # a review uses every core; the pages' own go on beside it


@dataclass(eq=False)
class KeptStudy:
    """A study of one caller.

    Attributes:
        owner: user number. record: number in the store, of a case that was opened from there.
        originals: the files of a DICOM study, for nothing but the DICOM objects that are made of it.
        overruled: system and series of which the caller opened the wrong-image gate.
        watched: tells whether it waits for somebody's own opinion.
        used, requests: when it was last used, and how many requests are being answered from it.
        turned_away: its caller was told to come again for a review, and has not had one since.
    """

    owner: int
    study: Study
    match: Match
    system: str | None
    series_index: int
    originals: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    record: int | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    overruled: set[tuple[str, int]] = field(default_factory=set)
    reviews: dict[str, KeptReview] = field(default_factory=dict)
    used: float = 0.0
    requests: int = 0
    turned_away: bool = False

    def __post_init__(self) -> None:
        self.watched = Watched(self.study)

    @property
    def nbytes(self) -> int:
        """Memory of the pixels and of the files that were kept."""
        kept = sum(len(data) for _, data in self.originals)
        return kept + sum(int(np.asarray(s.pixels).nbytes) for s in self.study.series)

    @property
    def busy(self) -> bool:
        """Whether it is being reviewed, or a request is being answered from it."""
        return self.requests > 0 or any(review.job.running for review in self.reviews.values())


@dataclass(eq=False)
class KeptReview:
    """A review of one series, under way or done."""

    kept: KeptStudy
    system: str
    series_index: int
    job: Job[Review]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def key(self) -> tuple[str, int]:
        """System and series, as an overruling names them."""
        return self.system, self.series_index


class Kept:
    """All of them. What was not used for a while is let go, and so is the oldest where memory is short.

    Args:
        idle_seconds: how long a study stays after its last use. clock: seconds.
    """

    def __init__(self, idle_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self.idle_seconds = idle_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._studies: dict[str, KeptStudy] = {}
        self._line = Line(AT_ONCE)

    def add(self, kept: KeptStudy) -> KeptStudy:
        """Keep a study; the caller's oldest goes where there are too many, anybody's where memory is short.

        What is busy, or was until :data:`IN_HAND_SECONDS` ago, does not go for another; nor what its caller will come
        again with, for :data:`TURN_SECONDS`.

        Raises:
            TooManyError: nothing may go.
        """
        with self._lock:
            self._sweep()
            kept.used = self._clock()
            going: list[KeptStudy] = []

            def staying() -> list[KeptStudy]:
                return [one for one in self._studies.values() if one not in going]

            while sum(one.owner == kept.owner for one in staying()) >= MOST_STUDIES:
                going.append(self._oldest(one for one in staying() if one.owner == kept.owner))
            while (others := staying()) and sum(one.nbytes for one in [kept, *others]) > MOST_BYTES:
                going.append(self._oldest(others))
            for one in going:
                self._let_go(one)
            self._studies[kept.id] = kept
            return kept

    def _oldest(self, studies: Iterable[KeptStudy]) -> KeptStudy:
        """The study that was not used for longest of those that may go; raises ``TooManyError`` where none may."""
        now = self._clock()
        idle = [
            one
            for one in studies
            if one.used < now - (TURN_SECONDS if one.turned_away else IN_HAND_SECONDS) and not one.busy
        ]
        if not idle:
            raise TooManyError("As many studies as are kept at once are in use.", 10)
        return min(idle, key=lambda one: one.used)

    def of(self, owner: int) -> list[KeptStudy]:
        """A caller's studies, the latest first."""
        with self._lock:
            self._sweep()
            return sorted((s for s in self._studies.values() if s.owner == owner), key=lambda s: -s.used)

    def study(self, owner: int, study_id: str) -> KeptStudy:
        """A caller's study; asking for it counts as use.

        Raises:
            NotFoundError: there is none, it was let go, or it is somebody else's.
        """
        with self._lock:
            self._sweep()
            found = self._studies.get(study_id)
            if found is None or found.owner != owner:
                raise NotFoundError("There is no such study, or it was let go after a while.", "Send it again.")
            found.used = self._clock()
            return found

    @contextmanager
    def answering(self, kept: KeptStudy) -> Iterator[None]:
        """Keep a study as long as a request is answered from it; its idle time begins afterwards."""
        with self._lock:
            kept.requests += 1
        try:
            yield
        finally:
            with self._lock:
                kept.requests -= 1
                kept.used = self._clock()

    def drop(self, owner: int, study_id: str) -> None:
        """Let a study go, and its reviews with it."""
        with self._lock:
            self._let_go(self.study(owner, study_id))

    def drop_oldest(self, owner: int, but: KeptStudy | None = None) -> bool:
        """Let go the caller's study that was not used for longest, where memory is short; false when there is none.

        One that is busy stays.

        Args:
            but: one that stays.
        """
        with self._lock:
            owned = [one for one in self._studies.values() if one.owner == owner and one is not but]
            mine = [one for one in owned if not one.busy]
            if mine:
                self._let_go(min(mine, key=lambda one: one.used))
            return bool(mine)

    def drop_late(self) -> bool:
        """Let go what was not used for so long that it may go; false when there is nothing."""
        with self._lock:
            before = len(self._studies)
            self._sweep()
            return len(self._studies) < before

    def begin(self, kept: KeptStudy, system: str, series_index: int, engine: Engine) -> KeptReview:
        """Begin the review of a series, or find the one that was begun and has not failed.

        Raises:
            TooManyError: too many are under way.
            LimitExceededError: there is no memory for what the models will draw (``MemoryFullError``: now).
        """
        with self._lock:
            for one in kept.reviews.values():
                if one.key == (system, series_index) and (one.job.running or one.job.result is not None):
                    return one
            under_way = [one for one in self._reviews() if one.job.running]
            mine = sum(one.kept.owner == kept.owner for one in under_way)
            if len(under_way) >= MOST_UNDER_WAY or mine >= MOST_OF_ONE:
                kept.turned_away = True
                raise TooManyError("Too many reviews are under way.", 10)
            course = engine.course(
                kept.study, system, series_index, give_way=partial(self.drop_oldest, kept.owner, but=kept)
            )
            if course.refused is not None:
                raise course.refused
            # The work holds the study, not what is kept of it: when that goes, the review stops.
            work = partial(_reviewed, course=course, held=ref(kept), clock=self._clock)
            job = Job(work, name="overread-api", line=self._line).ends_with(kept)
            made = KeptReview(kept, system, series_index, job)
            kept.reviews[made.id] = made
            kept.turned_away = False
            job.start()
            return made

    def review(self, owner: int, review_id: str) -> KeptReview:
        """A caller's review. Raises ``NotFoundError`` as :meth:`study`."""
        with self._lock:
            self._sweep()
            found = next((one for one in self._reviews() if one.id == review_id), None)
            if found is None or found.kept.owner != owner:
                raise NotFoundError("There is no such review, or it was let go after a while.", "Begin it again.")
            found.kept.used = self._clock()
            return found

    def _reviews(self) -> Iterator[KeptReview]:
        return (review for study in self._studies.values() for review in study.reviews.values())

    def _sweep(self) -> None:
        late = self._clock() - self.idle_seconds
        for study in [s for s in self._studies.values() if s.used < late]:
            if not study.busy:
                self._let_go(study)

    def _let_go(self, kept: KeptStudy) -> None:
        for review in kept.reviews.values():
            review.job.stop()
        self._studies.pop(kept.id, None)


def _reviewed(
    job: Job[Review], course: Course, held: Callable[[], KeptStudy | None], clock: Callable[[], float]
) -> Review:
    """The review; however long it took, its caller has the time to ask for it afterwards."""
    try:
        return ask(job, course)
    finally:
        if (kept := held()) is not None:
            kept.used = clock()
