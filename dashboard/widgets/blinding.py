"""Keeps the models silent on an image that waits for this reader's own opinion, wherever it is opened."""

from __future__ import annotations

from time import monotonic

import streamlit as st

from core.imaging.study import Study
from core.review import Mode, Store, open_store
from dashboard.widgets import routes, who, words

FRESH_SECONDS = 20.0  # looking through all cases takes a moment, and every click on the page asks


def stands(study: Study) -> bool:
    """Whether the models must not answer on a study; then says why and shows the way to read it."""
    reader = who.number()
    store = open_store()
    waiting = store.hidden_by_content(_contents(store, study), reader)
    if not waiting:
        return False
    numbers = ", ".join(str(number) for number in waiting[:5]) + (" and more" if len(waiting) > 5 else "")
    st.info(
        f"This image waits for your own opinion ({words.count(len(waiting), 'case')}: {numbers}). "
        "The models answer here once you have locked it.",
        icon=":material/visibility_lock:",
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Read it now", type="primary", icon=":material/visibility:"):
            st.switch_page(routes.READ, query_params={"case": str(waiting[0])})
        st.button(
            "Open another scan", icon=":material/folder_open:", on_click=st.session_state.pop, args=("case", None)
        )
    return True


def _contents(store: Store, study: Study) -> tuple[str, ...]:
    """Hashes of the study, and of all stored cases with the same pixels in another wrapping (renamed, zipped, PNG as
    TIFF)."""
    now = monotonic()
    kept: tuple[str, float, tuple[str, ...]] | None = st.session_state.get("same-pixels")
    if kept is not None and kept[0] == study.sha256 and now - kept[1] < FRESH_SECONDS:
        return kept[2]
    keys = {series.key for series in study.series}
    same = (
        case.content_hash
        for archive in store.archives()
        if archive.mode == Mode.SECOND_READER
        for case in store.cases(archive.id or 0)
        if keys & set(case.details.get("series_keys", ()))
    )
    hashes = (study.sha256, *same)
    st.session_state["same-pixels"] = (study.sha256, now, hashes)
    return hashes
