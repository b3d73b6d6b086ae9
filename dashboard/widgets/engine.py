"""The one engine of the process, shared by all sessions."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
from core.engine.engine import Engine

ROOT = Path(__file__).resolve().parents[2]


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Engine over the folder ``weights/`` (or ``OVERREAD_WEIGHTS``): models are loaded once, on first use."""
    return Engine(Path(os.environ.get("OVERREAD_WEIGHTS", str(ROOT / "weights"))))
