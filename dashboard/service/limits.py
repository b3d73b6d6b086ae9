"""How often one caller may ask, and how many may do at once what costs much."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from dashboard.service.problems import TooManyError

MOST_CALLERS = 10_000


class Rate:
    """A bucket a caller: it holds so many requests and fills again at an even pace.

    Args:
        per_minute: requests; as many may come at once. clock: seconds.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, and when that was

    def take(self, caller: str) -> None:
        """Count one request.

        Raises:
            TooManyError: the bucket is empty.
        """
        with self._lock:
            left = self._filled(caller)
            if left < 1:
                raise TooManyError("Too many requests in a minute.", (1 - left) * 60 / self.per_minute)
            self._keep(caller, left - 1)

    def _filled(self, caller: str) -> float:
        left, then = self._left.get(caller, (self.per_minute, self._clock()))
        return min(self.per_minute, left + (self._clock() - then) * self.per_minute / 60)

    def _keep(self, caller: str, left: float) -> None:
        self._left[caller] = (left, self._clock())
        self._left.move_to_end(caller)
        while len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)


class Places:
    """So many at once; who comes then is sent away at once, not kept waiting.

    Args:
        count: of all callers. of_one: of one caller, so that nobody can keep all the others out.
        what, seconds: what is told to whoever is sent away, and when to come again.
    """

    def __init__(self, count: int, of_one: int, what: str, seconds: float) -> None:
        self._count, self._of_one = count, of_one
        self._what, self._seconds = what, seconds
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()

    def take(self, caller: int) -> None:
        """Take a place.

        Raises:
            TooManyError: all are taken, or as many as one caller may.
        """
        with self._lock:
            if self._taken.total() >= self._count or self._taken[caller] >= self._of_one:
                raise TooManyError(self._what, self._seconds)
            self._taken[caller] += 1

    def leave(self, caller: int) -> None:
        """Give it back."""
        with self._lock:
            self._taken[caller] -= 1
            self._taken += Counter()  # drops who has none

    @contextmanager
    def one(self, caller: int) -> Iterator[None]:
        """A place for as long as the block lasts."""
        self.take(caller)
        try:
            yield
        finally:
            self.leave(caller)
