"""When each sign-in was last used, and whether it is still good. No Streamlit here.

The identity provider's cookie lives for weeks and a reload reads it again, so idle time is counted on the server, per
sign-in, over all its tabs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import time

KEEP_SECONDS = 31 * 24 * 3600.0  # as long as the cookie of a sign-in can come back


class SignIns:
    """The sign-ins of one process.

    Args:
        idle_seconds: a sign-in unused for longer is over.
        clock: seconds since the epoch.
    """

    def __init__(self, idle_seconds: float, clock: Callable[[], float] = time) -> None:
        self.idle_seconds = idle_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._left: set[str] = set()

    def use(self, key: str, since: float) -> bool:
        """Count as used now, if it is still good.

        Args:
            key: identity of the sign-in (not of the person: signing in again makes a new one).
            since: when the person signed in, in seconds since the epoch; counts as the last use after a restart of the
                server, which has forgotten the later ones.

        Returns:
            Whether the sign-in is good.
        """
        with self._lock:
            if not self._good(key, since):
                return False
            self._used[key] = self._clock()
            return True

    def good(self, key: str, since: float) -> bool:
        """Whether a sign-in is still good; asking does not count as use."""
        with self._lock:
            return self._good(key, since)

    def end(self, key: str) -> None:
        """Over for all tabs, as when the person signs out in one of them."""
        with self._lock:
            self._end(key)
            self._left.add(key)

    def left(self, key: str) -> bool:
        """Whether a sign-in is over because the person signed out, and not for want of use."""
        with self._lock:
            return key in self._left

    def _good(self, key: str, since: float) -> bool:
        if key in self._ended:
            return False
        if self._clock() - self._used.get(key, since) > self.idle_seconds:
            self._end(key)
            return False
        return True

    def _end(self, key: str) -> None:
        now = self._clock()
        self._used.pop(key, None)
        self._ended[key] = now
        for old in [k for k, when in self._ended.items() if now - when > KEEP_SECONDS]:
            del self._ended[old]
            self._left.discard(old)
