"""What surrounds every page: sign-in, roles, navigation, style, notice. Streamlit runs this for every session."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.widgets import messages, routes, style, who

ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.png"

st.set_page_config(page_title="Overread", page_icon=str(ICON), layout="wide")
style.apply()
messages.research_notice()
who.enter()
groups: dict[str, list[st.Page]] = {}
doors = {}
for route in routes.ROUTES:
    page = st.Page(
        route.file,
        title=route.title,
        icon=f":material/{route.icon}:",
        url_path=route.url,
        default=not route.url,
        # A page that somebody may not open is left out of the menu; its address answers with the reason.
        visibility="visible" if who.may_open(route.actions) else "hidden",
    )
    groups.setdefault(route.group, []).append(page)
    doors[page.url_path] = route
page = st.navigation(groups, position="top")
who.require(*doors[page.url_path].actions)
page.run()
