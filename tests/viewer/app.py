"""The viewer's test server: ``streamlit run tests/viewer/app.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from dashboard.viewer import route  # noqa: E402

app = st.App(Path(__file__).resolve().parent / "page.py", routes=route.routes())
