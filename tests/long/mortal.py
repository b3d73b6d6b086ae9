"""A server that is killed with SIGKILL at random moments, and what waits for a page while that may happen."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Error

from tests.dashboard.house import House

_POLL = 0.15


class Killed(Exception):  # noqa: N818 - it is no error here, it is what the check is about
    """The server was killed meanwhile."""


class Mortal:
    """A house whose server a second thread kills.

    Args:
        seed: of the moments.
    """

    def __init__(self, folder: Path, weights: Path, seed: int) -> None:
        self.house = House(folder, weights, {"OVERREAD_IMPORT_ROOTS": str(folder)})
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self._dead = threading.Event()
        self._reaper: threading.Thread | None = None
        self._call_off = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return self.house.url

    @property
    def dead(self) -> bool:
        """Whether it was killed and not started again."""
        return self._dead.is_set()

    def start(self) -> None:
        """Start, or start again."""
        self.house.start()
        self._dead.clear()

    def arm(self, phase: str, longest: float, after: Callable[[], bool] = lambda: True) -> None:
        """Kill it at a random moment within ``longest`` seconds, counted from when ``after`` turns true."""
        self.disarm()
        self._call_off = threading.Event()
        wait = self.chance.uniform(0.0, longest)
        self._reaper = threading.Thread(target=self._kill, args=(phase, wait, after, self._call_off), daemon=True)
        self._reaper.start()

    def disarm(self) -> None:
        """Let it live; a kill under way is waited for."""
        self._call_off.set()
        if self._reaper is not None:
            self._reaper.join()
            self._reaper = None

    def kill(self, phase: str) -> None:
        """Kill it now."""
        self._call_off.set()
        self.house.kill()
        self.kills[phase] += 1
        self._dead.set()

    def _kill(self, phase: str, wait: float, after: Callable[[], bool], call_off: threading.Event) -> None:
        while not after():
            if call_off.wait(_POLL):
                return
        if call_off.wait(wait):
            return
        self.house.kill()
        self.kills[phase] += 1
        self._dead.set()

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 600.0) -> None:
        """Wait for something on a page.

        Raises:
            Killed: the server is dead.
            TimeoutError: it did not come.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.dead:
                raise Killed
            try:
                if condition():
                    return
            except Error:  # the page is being drawn anew
                pass
            time.sleep(_POLL)
        raise TimeoutError(f"waited {seconds:.0f} s for {what}")
