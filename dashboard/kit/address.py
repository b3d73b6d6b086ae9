"""What the address of a page holds, so that a reload or a colleague comes back to the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def went_back() -> bool:
    """Whether the browser's Back or Forward asked for this run: then the page follows the address."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def follow(key: str, name: str, names: Sequence[str], first: Callable[[], str] | None = None) -> None:
    """Set a choice to what the address names: at first, and when the reader went back to there.

    Args:
        key: of the widget. first: where the address names none of them; the first one by default.
    """
    if key not in st.session_state or went_back():
        st.session_state[key] = one_of(name, names) or (first() if first is not None else names[0])


def keep(**places: str | int | None) -> None:
    """Put where the page stands into the address; see :func:`go`. Not after Back: it would lead here for ever."""
    if not went_back():
        go(**places)


def go(**places: str | int | None) -> None:
    """Put places into the address; ``None`` takes one out. What is there already is left alone."""
    for name, value in places.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)


def number(name: str, count: int) -> int | None:
    """A place counted from 1 in the address, from 0 here; ``None`` where none of ``count`` is meant."""
    said = st.query_params.get(name, "")
    return int(said) - 1 if said.isdecimal() and 1 <= int(said) <= count else None


def one_of(name: str, names: Sequence[str]) -> str | None:
    """What the address says of a place, where it is one of those that there are."""
    said = st.query_params.get(name, "")
    return said if said in names else None
