"""Pictures of a set, a page at a time; a click chooses one to look into."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.audit.browse import Entry
from dashboard.dataset import data
from dashboard.dataset.data import Shown
from dashboard.kit import picture, words

SIDE, PAGE = 150, 12
SPREAD, LISTED = "one of each group first", "as listed"


def show(found: Shown) -> Entry:
    """The gallery; returns the chosen picture, the first one until the reader chooses."""
    st.subheader("Pictures", anchor="pictures")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.selectbox("Class", ["all", *found.labels], key=f"gallery-label-{found.key}", width=220)
        order = st.selectbox("Order", [SPREAD, LISTED], key=f"gallery-order-{found.key}", width=220)
        wanted = st.text_input("Name or group holds", key=f"gallery-find-{found.key}", width=200)
        outlined = st.toggle("Masks over pictures", value=True, key=f"gallery-masks-{found.key}")
    entries = _chosen(found, label, order, wanted.strip().lower())
    if not entries:
        st.info("No picture fits.")
        return found.entries[0]
    pages = -(-len(entries) // PAGE)
    page = 1
    if pages > 1:
        page = int(
            st.number_input(
                f"Page of {pages:,}", 1, pages, key=f"gallery-page-{found.key}-{label}-{order}-{wanted}", width=160
            )
        )
    visible = entries[(page - 1) * PAGE : page * PAGE]
    key = f"gallery-chosen-{found.key}"
    if st.session_state.get(key) not in {e.name for e in found.entries}:
        st.session_state[key] = visible[0].name
    with st.container(horizontal=True, gap="small"):
        for entry in visible:
            with st.container(width=SIDE, gap="xxsmall"):
                address = data.thumbnail(found.key, entry.name, outlined, SIDE, found, entry)
                picture.show(address, f"{entry.label}: {entry.name}")
                chosen = st.session_state[key] == entry.name
                st.button(
                    f"{entry.label}",
                    key=f"pick-{found.key}-{entry.name}",
                    help=words.plain(f"{entry.name}" + (f", group {entry.group}" if entry.group else "")),
                    width="stretch",
                    type="primary" if chosen else "secondary",
                    on_click=_choose,
                    args=(key, entry.name),
                )
    return next(e for e in found.entries if e.name == st.session_state[key])


def _choose(key: str, name: str) -> None:
    st.session_state[key] = name


def _chosen(found: Shown, label: str, order: str, wanted: str) -> Sequence[Entry]:
    names = tuple(e.name for e in found.entries) if order == SPREAD else ()
    entries = _spread(found.key, len(names), found) if names else found.entries
    return [
        e
        for e in entries
        if label in ("all", e.label) and (not wanted or wanted in e.name.lower() or wanted in (e.group or "").lower())
    ]


@st.cache_resource(show_spinner=False, max_entries=8)
def _spread(key: str, count: int, _found: Shown) -> list[Entry]:
    return data.sample(_found.entries, count)
