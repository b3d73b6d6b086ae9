"""The one engine of the process, shared by all sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.settings import settings

if TYPE_CHECKING:
    from core.engine.engine import Engine


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Engine over the folder ``weights/`` (or ``OVERREAD_WEIGHTS``): models are loaded once, on first use."""
    from core.engine.engine import Engine  # here: PyTorch takes seconds, and a page that asks no model needs none of it

    return Engine(settings().weights)
