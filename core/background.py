"""One piece of work in the background: started, asked how far it is, stopped, and what came of it.

Reviews, heat-map checks, audits, imports and scoring all run as a :class:`Job`.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import Generic, Self, TypeVar

from core.errors import OverreadError
from core.line import Line

_log = logging.getLogger(__name__)
T = TypeVar("T")
UNEXPECTED = "Something went wrong inside Overread."
UNEXPECTED_REMEDY = "The server's log has the details; the page goes on, so try again or open another study."
_POLL_SECONDS = 0.1


class Job(Generic[T]):
    """Work in a thread of its own.

    Args:
        work: gets the job, so that it can tell how far it is (:meth:`tell`) and look whether it is to end
            (:attr:`stopping`); returns the result. ``InterruptedError`` from it means that it has ended as asked.
        name: of the thread. line: shared by jobs of which only so many may run at once; the others wait in it, in the
            order in which they were started, and can be stopped there.

    Attributes:
        text, fraction: what is being done, and how much of it is done, from 0 to 1.
        result: what ``work`` returned; ``None`` until then, and for good where it was stopped or failed.
        error: why it failed, with its remedy; ``None`` where it did not, or was being stopped anyway.
        halt: set when it is to end.
    """

    def __init__(self, work: Callable[[Job[T]], T], *, name: str = "overread-job", line: Line | None = None) -> None:
        self.text = ""
        self.fraction = 0.0
        self.result: T | None = None
        self.error: OverreadError | None = None
        self.halt = threading.Event()
        self._began = time.monotonic()
        self._work = work
        self._line = line
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def start(self, wait: float = 0.0) -> Self:
        """Begin; with ``wait`` come back after so many seconds at most, so that quick work is done by then."""
        self._thread.start()
        self.join(wait)
        return self

    def run(self) -> None:
        """What the thread does; without :meth:`start` it is done by whoever calls."""
        if self._line is None:
            self._do()
            return
        with self._line.join() as ticket:
            while not self.stopping:
                if ticket.wait(_POLL_SECONDS):
                    self._do()
                    return

    def _do(self) -> None:
        self._began = time.monotonic()
        try:
            self.result = self._work(self)
        except InterruptedError:
            self.halt.set()
        except Exception as failure:
            self.error = None if self.stopping else as_error(failure)

    def tell(self, text: str, fraction: float) -> None:
        """Note how far it is.

        Raises:
            InterruptedError: the job is to end.
        """
        if self.stopping:
            raise InterruptedError
        self.text, self.fraction = text, min(max(fraction, 0.0), 1.0)

    def stop(self) -> None:
        """Ask it to end; it does after the step at hand."""
        self.halt.set()

    def ends_with(self, owner: object) -> Self:
        """Stop when ``owner`` is gone. The work must not hold on to it."""
        weakref.finalize(owner, self.halt.set)
        return self

    def join(self, seconds: float | None = None) -> None:
        """Wait until it has ended, so many seconds at most; at once for one that was never started."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    @property
    def running(self) -> bool:
        """True from the start until the thread has put its answer down."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to end."""
        return self.halt.is_set()

    @property
    def seconds_left(self) -> float | None:
        """By the speed so far; ``None`` in the first moments."""
        taken = time.monotonic() - self._began
        return taken / self.fraction * (1 - self.fraction) if self.fraction > 0.03 and taken > 2 else None


def as_error(failure: Exception) -> OverreadError:
    """The failure itself when it is meant for the user, else a plain statement.

    The log keeps kind and place only: a message may name a file, and a file may be named after a patient.
    """
    if isinstance(failure, OverreadError):
        return failure
    place = "".join(traceback.format_tb(failure.__traceback__))
    _log.error("unexpected failure: %s\n%s", type(failure).__name__, place)
    return OverreadError(UNEXPECTED, UNEXPECTED_REMEDY)
