"""What is no longer needed is given back: what sessions that have left still hold, and garbage of all of them.

Streamlit keeps the state of a session whose browser is gone, so that it can come back, and lets it go only when another
session comes or goes after two minutes; a scan would lie there for as long. A browser that comes back later than
:data:`SECONDS` finds its page, which reads the case again by its address.

Streamlit would look for garbage after every run of a script, a page's polls included, with every other thread held up:
among thirty readers that took three quarters of the time. ``runner.postScriptGC`` is off; here it is looked for now and
then.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from streamlit import runtime

from dashboard.kit import room
from dashboard.viewer import shelf

SECONDS = 40.0  # of a browser that is not there: a reload and a short break of the network take less
EVERY = 5.0
GARBAGE_EVERY = 2  # of these; a session's memory is back within 55 seconds of its leaving
_left: dict[str, float] = {}  # by session, when it was first found to have left


def begin() -> None:
    """Look after sessions of this process from now on, in the background."""

    def sweeping() -> None:
        let_go = False
        for turn in count(1):
            time.sleep(EVERY)
            if runtime.exists():
                let_go |= sweep(runtime.get_instance().is_active_session)
            if turn % GARBAGE_EVERY == 0:
                clear_garbage()
                if let_go:
                    _to_the_system()
                let_go = False

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


def clear_garbage() -> None:
    """Free what went in a circle, where anything to speak of has been made since; an idle server is left in peace."""
    if any(gc.get_count()[1:]):
        gc.collect()


def _to_the_system() -> None:
    """Have the C library return what is free; it would keep it for the next who asks."""
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)
