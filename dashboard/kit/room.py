"""Memory of open cases in the account of the process: what goes first where it is short.

A session gives up its own oldest cases before it is refused, then go those of sessions that have left, then uploads
that are only held for a reload. Nothing that another session has on its screen ever goes.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import memory


class Case(Protocol):
    """What is known here of :class:`dashboard.kit.cases.OpenCase`."""

    heat_maps: OrderedDict[tuple[object, ...], Any]

    @property
    def arrays(self) -> list[np.ndarray]:
        """What takes memory."""

    @property
    def closed(self) -> bool:
        """Whether it was let go."""

    def close(self) -> None:
        """Let it go."""


_sessions: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()  # by case, the session that opened it


def watch(case: Case) -> None:
    """Count a case as open in the session that asks."""
    context = get_script_run_ctx()
    _sessions[case] = context.session_id if context is not None else ""
    memory.of_process().keep(case.arrays)


def settle(case: Case, drop_oldest: Callable[[], bool]) -> None:
    """Count what has come to a case since: masks, heat maps. Where it is too much, own older things go."""
    account = memory.of_process()
    account.keep(case.arrays)
    while account.full and (drop_oldest() or _drop_gone()):
        pass
    while account.full and len(case.heat_maps) > 1:
        case.heat_maps.popitem(last=False)


def holding() -> set[str]:
    """Sessions with open cases."""
    return {session for case, session in list(_sessions.items()) if not case.closed}


def close_all(session: str) -> None:
    """Let go every case of a session."""
    for case, its in list(_sessions.items()):
        if its == session and not case.closed:
            case.close()


def _drop_gone() -> bool:
    """Let go one case of a session that has left; false when there is none."""
    if not runtime.exists():
        return False
    server = runtime.get_instance()
    for case, session in list(_sessions.items()):
        if session and not case.closed and not server.is_active_session(session):
            case.close()
            return True
    return False


memory.of_process().serving = True
memory.of_process().spares.append(_drop_gone)
