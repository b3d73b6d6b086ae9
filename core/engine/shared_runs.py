"""Reviews that several sessions share: the same images, system and models are asked once, however many look.

Who may see an answer is not decided here: a session asks for a run only where its reader may see what comes of it.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Hashable
from typing import Protocol

from core.background import Job
from core.engine.results import Review
from core.errors import OverreadError
from core.imaging.study import Study
from core.memory import GiveWay


class Progressing(Protocol):
    """What is shared: :class:`core.engine.course.Course`, as far as it is looked at."""

    @property
    def done(self) -> int:
        """Answers given so far."""

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""

    @property
    def ahead(self) -> int:
        """How many reviews come before."""

    @property
    def seconds_left(self) -> float | None:
        """By the pace so far."""

    def look(self, index: int) -> None:
        """The slice in view."""

    def seen(self) -> None:
        """An answer was drawn."""

    def so_far(self) -> Review | None:
        """What has been said."""

    def run(self, *, stop: Callable[[], bool] | None = None, shown: bool = False) -> Review:
        """Go on to the end; ``shown`` where somebody looks meanwhile."""


class Courses(Protocol):
    """What gives courses, and knows which models would answer: :class:`core.engine.engine.Engine`."""

    def course(
        self,
        study: Study,
        system_name: str,
        series_index: int = 0,
        *,
        first: int = 0,
        give_way: GiveWay | None = None,
    ) -> Progressing:
        """A review to be made."""

    def fingerprint(self, system_name: str) -> str:
        """Hash over all that decides the answers of a system."""


class SharedRun:
    """One review for all who watch it; it ends early when nobody does any more."""

    def __init__(self, course: Progressing) -> None:
        self.course = course
        self._watching: set[int] = set()
        self._job: Job[Review] | None = None
        self._lock = threading.Lock()
        self._seen: tuple[int, Review | None] = (-1, None)

    @property
    def review(self) -> Review | None:
        """The whole review, or what has been said so far, made once for each answer; ``None`` before the gate spoke."""
        if self.result is not None:
            return self.result
        done = self.course.done
        if self._seen[0] != done or self._seen[1] is None:
            self._seen = done, self.course.so_far()
        return self._seen[1]

    @property
    def result(self) -> Review | None:
        """The whole review, once it is there."""
        return self._job.result if self._job is not None else None

    @property
    def error(self) -> OverreadError | None:
        """Why it failed."""
        return self._job.error if self._job is not None else None

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._job is not None and self._job.running

    @property
    def waiting(self) -> int:
        """How many watch it while answers are to come."""
        return len(self._watching) if self.running else 0

    def watch(self, number: int) -> None:
        """Have it made for one more; one that was stopped goes on where it ended."""
        with self._lock:
            self._watching.add(number)
            before = self._job
            if before is not None and (before.result is not None or (before.running and not before.stopping)):
                return
            # The work holds the course, not this object: what nobody looks at any more can go.
            self._job = Job(_Work(self.course, before), name="overread-review")
            self._job.start()

    def leave(self, number: int) -> None:
        """One watches no more; where it was the last one, the work ends after the answer at hand."""
        with self._lock:
            self._watching.discard(number)
            if not self._watching and self._job is not None:
                self._job.stop()

    def join(self, seconds: float) -> None:
        """Wait for the end, so many seconds at most."""
        if self._job is not None:
            self._job.join(seconds)


class _Work:
    def __init__(self, course: Progressing, before: Job[Review] | None) -> None:
        self._course, self._before = course, before

    def __call__(self, job: Job[Review]) -> Review:
        if self._before is not None:
            self._before.join()  # it was stopped, and has an answer at hand
            self._before = None
        return self._course.run(stop=lambda: job.stopping, shown=True)


class Watch:
    """One session's sight of a review.

    Attributes:
        begun: when this session began to watch, in seconds of the clock that only grows.
        stopped: this session has asked it to end; others may go on watching.
        shown: this session has drawn the places of the answers.
    """

    def __init__(self, run: SharedRun) -> None:
        self.run = run
        self.begun = time.monotonic()
        self.stopped = False
        self.shown = False
        run.watch(id(self))

    @property
    def running(self) -> bool:
        """Whether answers are still to come."""
        return not self.stopped and self.run.running

    @property
    def result(self) -> Review | None:
        """The whole review, once it is there."""
        return self.run.result

    @property
    def review(self) -> Review | None:
        """The whole review, or what has been said so far; ``None`` before the gate has spoken."""
        return self.run.review

    @property
    def error(self) -> OverreadError | None:
        """Why it failed; ``None`` where it was stopped."""
        return None if self.stopped else self.run.error

    def stop(self) -> None:
        """Watch no more; at once for this session, whatever the models still have at hand."""
        self.stopped = True
        self.run.leave(id(self))

    def go_on(self) -> None:
        """Watch again."""
        self.stopped = False
        self.run.watch(id(self))

    def join(self, seconds: float) -> None:
        """Wait for the end, so many seconds at most."""
        self.run.join(seconds)


class SharedRuns:
    """The reviews of one engine that anybody looks at, by what would make them another one."""

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self._runs: weakref.WeakValueDictionary[Hashable, SharedRun] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many sessions wait for answers."""
        with self._lock:
            return sum(run.waiting for run in self._runs.values())

    def watch(
        self, study: Study, system_name: str, series_index: int, *, first: int, give_way: GiveWay | None = None
    ) -> Watch:
        """The review of a series: the one that others look at already, or a new one.

        Args:
            first: the slice in view. give_way: lets go one thing of this session, where memory is full.

        Raises:
            OverreadError: unknown system.
        """
        series = study.series[series_index]
        place = (study.sha256, len(study.series), series_index, series.key)
        key = (*place, system_name, self._courses.fingerprint(system_name))
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.error is not None:
                course = self._courses.course(study, system_name, series_index, first=first, give_way=give_way)
                run = SharedRun(course)
                self._runs[key] = run
        run.course.look(first)
        return Watch(run)
