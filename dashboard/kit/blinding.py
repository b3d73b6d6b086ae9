"""Keeps the models silent on an image that waits for this reader's own opinion, wherever it is opened."""

from __future__ import annotations

import itertools
from time import monotonic

import numpy as np
import streamlit as st

from core import imaging
from core.errors import OverreadError
from core.imaging.study import Study
from core.review import Mode, Store, open_store
from core.review.kept.looks import looks, near, reduced, same, variants
from core.review.tables import Case as Record
from dashboard.kit import routes, who, words

FRESH_SECONDS = 20.0  # looking through all cases takes a moment, and every click on the page asks


def stands(study: Study) -> bool:
    """Whether the models must not answer on a study; then says why and shows the way to read it."""
    waiting = _waiting(study)
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


def waits(plane: np.ndarray) -> bool:
    """Whether a single picture, ``(height, width)``, waits for this reader's own opinion."""
    store = open_store()
    found = [case.content_hash for case in _alike(store, [plane], frozenset())]
    return bool(found and store.hidden_by_content(found, who.number()))


def _waiting(study: Study) -> list[int]:
    """Cases that wait for the reader and hold an image of the study: the same bytes, the same pixels in another
    wrapping (renamed, zipped, PNG as TIFF, one among other slices), or the same picture saved again."""
    reader, store, now = who.number(), open_store(), monotonic()
    kept: tuple[str, float, tuple[str, ...]] | None = st.session_state.get("same-pixels")
    if kept is None or kept[0] != study.sha256 or now - kept[1] >= FRESH_SECONDS:
        planes = [plane for series in study.series for plane in series.pixels]
        alike = _alike(store, planes, frozenset(series.key for series in study.series))
        kept = (study.sha256, now, (study.sha256, *(case.content_hash for case in alike)))
        st.session_state["same-pixels"] = kept
    return store.hidden_by_content(kept[2], reader)


def _alike(store: Store, planes: list[np.ndarray], keys: frozenset[str]) -> list[Record]:
    """Cases of archives that are read blind with the same series, or with a slice that shows the same."""
    blind = [archive.id or 0 for archive in store.archives() if archive.mode == Mode.SECOND_READER]
    cases = [case for archive in blind for case in store.cases(archive)]
    if not cases:
        return []
    mine = [seen for plane in planes for seen in variants(plane)]
    hashes = looks(mine)
    found = []
    for case in cases:
        if keys & set(case.details.get("series_keys", ())) or (
            near(hashes, case.details.get("looks", ())) and _shows(store, case, mine, hashes)
        ):
            found.append(case)
    return found


def _shows(store: Store, case: Record, mine: list[np.ndarray], hashes: list[str]) -> bool:
    """Where the hashes are near, the pictures themselves decide."""
    try:
        kept = imaging.read(store.case_bytes(case.id or 0))
    except OverreadError:
        return False
    stored = [reduced(plane) for series in kept.series for plane in series.pixels]
    pairs = itertools.product(zip(mine, hashes, strict=True), zip(stored, looks(stored), strict=True))
    return any(near([a], [b]) and same(seen, other) for (seen, a), (other, b) in pairs)
