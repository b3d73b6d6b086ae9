"""Imports and scoring that a killed server left behind go on when the next one starts."""

from __future__ import annotations

import threading

import streamlit as st


@st.cache_resource(show_spinner=False)
def begin() -> None:
    """Take them up, in the background; once per process."""
    threading.Thread(target=_work, name="overread-adopt", daemon=True).start()


def _work() -> None:
    # Imported here: the engine behind these takes seconds, and no page should wait for it.
    from core.review import open_store
    from core.review.archives import adopt
    from dashboard.widgets.engine import engine

    adopt(open_store(), engine())
