"""So many pieces of work on models at once; the others wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import EngineBusyError

_LOOK_SECONDS = 0.05  # how often one that waits looks whether it was stopped


class Places:
    """Places for work that is short, such as an answer about a slice, or a heat map.

    Args:
        count: how many there are. patience: seconds that what nobody can stop waits for one.
    """

    def __init__(self, count: int, patience: float) -> None:
        self._free, self._patience = threading.BoundedSemaphore(count), patience

    @contextmanager
    def one(self, stop: Callable[[], bool] | None = None) -> Iterator[None]:
        """A place for as long as the block lasts.

        Args:
            stop: asked while it is waited for; who can be stopped waits as long as it takes.

        Raises:
            EngineBusyError: none became free in time.
            InterruptedError: stopped.
        """
        end = time.monotonic() + self._patience
        while not self._free.acquire(timeout=_LOOK_SECONDS):
            if stop is not None and stop():
                raise InterruptedError
            if stop is None and time.monotonic() >= end:
                raise EngineBusyError("All places in the queue are taken.", "Wait a moment and try again.")
        try:
            yield
        finally:
            self._free.release()
