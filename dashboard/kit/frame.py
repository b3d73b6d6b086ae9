"""What surrounds every page: sign-in, roles, navigation, style, notice. Streamlit runs this for every session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from core.review import Action
from dashboard import warming
from dashboard.kit import messages, routes, style, who
from dashboard.kit.routes import Route
from dashboard.viewer import shelf

ICON = Path(__file__).resolve().parents[1] / "assets" / "icon.png"
Doors = dict[str, Route]


def menu(position: Literal["top", "hidden"], visible: Callable[[Sequence[Action]], bool]) -> tuple[st.Page, Doors]:
    """The page of the address, and every route by its address."""
    groups: dict[str, list[st.Page]] = {}
    doors: Doors = {}
    for route in routes.ROUTES:
        page = st.Page(
            route.file,
            title=route.title,
            icon=f":material/{route.icon}:",
            url_path=route.url,
            default=not route.url,
            # A page that somebody may not open is left out of the menu; its address answers with the reason.
            visibility="visible" if route.listed and visible(route.actions) else "hidden",
        )
        groups.setdefault(route.group, []).append(page)
        doors[page.url_path] = route
    return st.navigation(groups, position=position), doors


def at_class_door() -> bool:
    """Whether the address is the one that guests of a class come to."""
    return urlsplit(st.context.url or "").path.rstrip("/").endswith(f"/{routes.DOOR}")


st.set_page_config(page_title="Overread", page_icon=str(ICON), layout="wide")
style.apply()
messages.research_notice()
if at_class_door():
    who.enter_as_guest()
    page, doors = menu("hidden", lambda _: False)
    if page.url_path != routes.DOOR:  # the browser's word alone opens no other page
        st.stop()
else:
    who.enter(at_door=lambda: menu("hidden", lambda _: False))
    page, doors = menu("top", who.may_open)
who.require(*doors[page.url_path].actions)
pictures = shelf.of_session()
pictures.begin()
if page.url_path:  # any page but Home, which says something first
    warming.engine()
page.run()
pictures.sweep()
