"""Which models answer, for whoever asks whether the server lives: told at once, however busy it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from core.engine.results import ModelState, ModelStatus
from core.engine.vote import voters

WAIT_SECONDS = 1.0  # for a look: while the engine is made, or files that have changed are hashed, it takes longer


class Readiness:
    """What was seen last, and a look in a thread of its own.

    The threads of the other routes may all be taken by work that is long, and a server that is busy is none that is
    dead. Whoever comes while somebody looks waits for the same look.

    Args:
        look: states of the models.
    """

    def __init__(self, look: Callable[[], tuple[ModelState, ...]]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="overread-readiness")
        self._under_way: Future[tuple[ModelState, ...]] | None = None
        self._seen: tuple[ModelState, ...] = ()

    async def ready(self) -> tuple[ModelState, ...]:
        """Models that answer and are heard; those of the last look where this one takes longer than a second."""
        looking = self._begun()
        done, _ = await asyncio.wait([asyncio.wrap_future(looking)], timeout=WAIT_SECONDS)
        if done:
            self._seen = looking.result()
        return heard(self._seen)

    def _begun(self) -> Future[tuple[ModelState, ...]]:
        with self._lock:
            if self._under_way is None or self._under_way.done():
                self._under_way = self._thread.submit(self._look)
            return self._under_way


def heard(states: tuple[ModelState, ...]) -> tuple[ModelState, ...]:
    """Those that answer and have a vote."""
    found = [s for s in states if s.status is ModelStatus.READY and s.card is not None]
    voting = voters({s.name: s.card for s in found if s.card is not None})
    return tuple(s for s in found if s.name in voting)
