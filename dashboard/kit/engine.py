"""The one engine of the process, shared by all sessions."""

from __future__ import annotations

import atexit
import gc
from typing import TYPE_CHECKING

import streamlit as st

from core.settings import settings

if TYPE_CHECKING:
    from core.engine.engine import Engine


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Engine over the folder ``weights/`` (or ``OVERREAD_WEIGHTS``): models are loaded once, on first use."""
    from core.engine.engine import Engine  # here: PyTorch takes seconds, and a page that asks no model needs none of it

    made = Engine(settings().weights)
    # Streamlit collects all garbage after every run of a script. Over the 600,000 objects of the libraries that takes
    # 0.3 s, with every other thread held up; set apart here, they are never looked at again.
    gc.collect()
    gc.freeze()
    # At the end they are taken back: what the interpreter cannot free, Triton reports as leaked, in forty lines.
    atexit.register(gc.unfreeze)
    return made
