"""Starts the dashboard: ``streamlit run dashboard/Home.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))  # Streamlit puts this file's folder on the path, not the repository's

from dashboard import alone, outgoing, warming  # noqa: E402
from dashboard.client_files import ClientFiles, of_streamlit  # noqa: E402
from dashboard.kit import messages  # noqa: E402
from dashboard.kit.closed import Closed  # noqa: E402
from dashboard.opening import Opening  # noqa: E402
from dashboard.service import mount  # noqa: E402
from dashboard.shielded import Shielded  # noqa: E402
from dashboard.viewer import route  # noqa: E402

alone.keep_alone()
outgoing.keep_whole()
warming.begin()

base = st.get_option("server.baseUrlPath")
client = of_streamlit(base) | ({program} if (program := route.program()) else set())

# The frame is no neighbour of pages/: beside it Streamlit would serve that folder by itself on the first visit.
app = st.App(
    HERE / "kit" / "frame.py",
    on_script_error=messages.replace_trace,
    middleware=[
        Middleware(Shielded),
        Middleware(Closed),
        Middleware(warming.Foreseen, home=base),
        Middleware(Opening),
        Middleware(ClientFiles, paths=client),
    ],
    routes=[*mount.routes(base), *route.routes()],
)
