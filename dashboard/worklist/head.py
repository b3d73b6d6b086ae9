"""What a list rests on, and what is wrong with it: models, stale versions, unscored cases, drift."""

from __future__ import annotations

import streamlit as st

from core.review import Store
from core.review.archives import Worklist, sums_tell
from dashboard.kit import words
from dashboard.kit.archive_choice import Chosen


def show(store: Store, chosen: Chosen, listed: Worklist, reader: int) -> None:
    """One quiet line of pedigree, and warnings where there is something to mind."""
    if not chosen.models.cards:
        st.warning("No model of this system is installed: nothing can be ranked.", icon=":material/warning:")
        return
    if listed.unscored < len(listed.rows):
        st.caption(f"Ranked by {words.plain(listed.pedigree)}.")
    if listed.stale:
        st.warning(
            f"{words.count(listed.stale, 'case')} scored by another version of the models only: they have no place "
            "here until a lead scores the archive again.",
            icon=":material/update:",
        )
    if listed.unscored:
        st.info(
            f"{words.count(listed.unscored, 'case')} of {len(listed.rows):,} not scored yet: places, agreement and "
            "sums change until all are.",
            icon=":material/hourglass_empty:",
        )
    if sums_tell(store, chosen.number, chosen.models, reader):
        return  # what a comparison with the calibration set says is a sum too
    warned: set[str] = set()
    for reading in store.drift(system=chosen.models.system, archive_id=chosen.number):
        if reading.model in warned or not chosen.models.gave(reading):
            continue
        warned.add(reading.model)  # the newest comparison of each model counts
        if reading.warned:
            st.warning(words.plain(reading.message), icon=":material/trending_up:")
