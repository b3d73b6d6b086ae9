"""Starts the dashboard: ``streamlit run dashboard/Home.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # Streamlit puts this file's folder on the path, not the repository's

st.set_page_config(page_title="Overread", page_icon=":material/radiology:", layout="wide")
st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/review.py", title="Review", icon=":material/radiology:", url_path="review"),
        st.Page("pages/models.py", title="Models", icon=":material/fact_check:", url_path="models"),
    ],
    position="top",
).run()
