"""What surrounds every page: title, navigation, style and the notice. Streamlit runs this file for every session."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.widgets import messages, routes, style

ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.png"

st.set_page_config(page_title="Overread", page_icon=str(ICON), layout="wide")
page = st.navigation(
    [
        st.Page(routes.HOME, title="Home", icon=":material/home:", default=True),
        st.Page(routes.REVIEW, title="Review", icon=":material/radiology:", url_path="review"),
        st.Page(routes.MODELS, title="Models", icon=":material/fact_check:", url_path="models"),
        st.Page(routes.EVIDENCE, title="Evidence", icon=":material/query_stats:", url_path="evidence"),
    ],
    position="top",
)
style.apply()
messages.research_notice()
page.run()
