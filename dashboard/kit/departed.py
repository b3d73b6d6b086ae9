"""What sessions that have left still hold is given back: their open cases, and what their viewers could fetch.

Streamlit keeps the state of a session whose browser is gone, so that it can come back, and lets it go only when another
session comes or goes after two minutes; a scan would lie there for as long. A browser that comes back later than
:data:`SECONDS` finds its page, which reads the case again by its address.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from typing import Any

from streamlit import runtime

from dashboard.kit import room
from dashboard.viewer import shelf

SECONDS = 40.0  # of a browser that is not there: a reload and a short break of the network take less
EVERY = 5.0
_left: dict[str, float] = {}  # by session, when it was first found to have left


def begin() -> None:
    """Look after sessions of this process from now on, in the background."""

    def sweeping() -> None:
        while True:
            time.sleep(EVERY)
            if runtime.exists() and sweep(runtime.get_instance().is_active_session):
                _to_the_system()

    threading.Thread(target=sweeping, name="overread-departed", daemon=True).start()


def sweep(active: Callable[[str], bool], clock: Callable[[], float] = time.monotonic) -> bool:
    """Let go of what sessions hold that have left long enough ago.

    Args:
        active: whether the browser of a session is there. clock: seconds that only grow.

    Returns:
        Whether anything was let go.
    """
    now = clock()
    holding = {session for session in room.holding() | shelf.holding() if session and not active(session)}
    for session in _left.keys() - holding:
        del _left[session]
    gone = {session for session in holding if now - _left.setdefault(session, now) >= SECONDS}
    for session in gone:
        room.close_all(session)
        shelf.clear_of(session)
        del _left[session]
    return bool(gone)


def _to_the_system() -> None:
    """Have the C library return what is free; it would keep it for the next who asks."""
    gc.collect()
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)
