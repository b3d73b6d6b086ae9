"""Pictures of a set, a page at a time; a click chooses one to look into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.audit.browse import Entry
from dashboard.dataset import data
from dashboard.dataset.data import Shown
from dashboard.kit import blinding, picture, words

SIDE, PAGE = 150, 12
# One row of pictures, and on a phone one of choices: the chosen picture stays in sight below them.
STYLE = """
<style>
.st-key-gallery-strip { flex-wrap: nowrap; overflow-x: auto; padding-bottom: 6px; }
.st-key-gallery-strip > * { flex: none; }
@media (max-width: 760px) {
  .st-key-gallery-choices { flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; }
  .st-key-gallery-choices > * { flex: none; max-width: 60vw; }
}
</style>
"""
SPREAD, LISTED = "one of each group first", "as listed"


def show(found: Shown) -> Entry | None:
    """The gallery; returns the chosen picture, the first one until the reader chooses.

    What waits for the reader's own opinion is left out: class, outline and even its place in the list would tell.
    """
    st.html(STYLE)
    st.subheader("Pictures", anchor="pictures")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="gallery-choices"):
        label = st.selectbox("Class", ["all", *found.labels], key=f"gallery-label-{found.key}", width=220)
        order = st.selectbox("Order", [SPREAD, LISTED], key=f"gallery-order-{found.key}", width=220)
        wanted = st.text_input("Name or group holds", key=f"gallery-find-{found.key}", width=200)
        outlined = st.toggle("Masks over pictures", value=True, key=f"gallery-masks-{found.key}")
        entries = _chosen(found, label, order, wanted.strip().lower())
        pages = -(-len(entries) // PAGE)
        page = 1
        if pages > 1:
            key = f"gallery-page-{found.key}-{label}-{order}-{wanted}"
            page = int(st.number_input(f"Page of {pages:,}", 1, pages, key=key, width=130))
    if not entries:
        st.info("No picture fits.")
        return None
    listed = entries[(page - 1) * PAGE : page * PAGE]
    visible = [entry for entry in listed if not _waits(found, entry)]
    if len(visible) < len(listed):
        left_out = words.count(len(listed) - len(visible), "picture waits", "pictures wait")
        st.info(f"{left_out} for your own opinion: not shown before it.", icon=":material/visibility_lock:")
    key = f"gallery-chosen-{found.key}"
    chosen_one = next((e for e in found.entries if e.name == st.session_state.get(key)), None)
    if chosen_one is None or _waits(found, chosen_one):
        if not visible:
            return None
        chosen_one = visible[0]
        st.session_state[key] = chosen_one.name
    with st.container(horizontal=True, gap="small", key="gallery-strip"):
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
    return chosen_one


def _waits(found: Shown, entry: Entry) -> bool:
    return blinding.named_waits(f"{found.key} {entry.name}", lambda: np.asarray(found.pictures.pixels(entry)))


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
