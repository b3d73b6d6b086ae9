"""The rail beside the picture: answers, maps, masks, measures and the report, one tab each, as high as the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from core.engine.results import Review
from core.systems import SYSTEMS
from dashboard.kit import address, controls, jobs, words
from dashboard.kit.cases import OpenCase
from dashboard.review import answers, heat_maps, measures, panels
from dashboard.viewer.measures import MOST

ANSWERS, MAPS, MASKS, MEASURES, REPORT, OPINION = "Answers", "Maps", "Masks", "Measures", "Report", "Opinion"
TABS = (ANSWERS, MAPS, MASKS, MEASURES, REPORT)


def show(
    case: OpenCase, index: int, view: controls.View, picture: np.ndarray, opinion: Callable[[], None] | None = None
) -> None:
    """Draw the tab that is open, and no other.

    Args:
        opinion: draws the reader's own opinion, where a case of the store is read; it comes second.
    """
    names = TABS if opinion is None else (ANSWERS, OPINION, *TABS[1:])
    key = f"rail-{case.key}"
    address.follow(key, "section", names)
    system, review = SYSTEMS[case.system] if case.system else None, case.review
    for name, tab in zip(names, st.tabs(names, key=key, on_change="rerun"), strict=True):
        if not tab.open:
            continue
        address.keep(section=name if name != ANSWERS else None)
        if name != ANSWERS:
            jobs.wait_elsewhere(case)
        with tab:
            if name == ANSWERS:
                if opinion is not None:
                    st.button("To your opinion", icon=":material/edit_note:", on_click=turn_to, args=(case, OPINION))
                answers.show(case, system, index)
            elif name == OPINION and opinion is not None:
                opinion()
            elif name == REPORT:
                _report(case, index, view, picture)
            elif name == MEASURES and case.measured:
                _drawn_by_hand(case)
                if review is not None and review.complete:
                    _measures(case, review, index)
            elif review is None or not review.complete:
                st.caption("Follows when every slice has been answered.")
            elif name == MAPS and system is not None:
                heat_maps.show(case, review, system, index, view)
            elif name == MASKS:
                panels.show(case, review, index, view)
            else:
                _measures(case, review, index)


def turn_to(case: OpenCase, name: str) -> None:
    """Open a tab."""
    st.session_state[f"rail-{case.key}"] = name


def _drawn_by_hand(case: OpenCase) -> None:
    found = case.measured
    if found:
        lines = [f"{one['kind'].capitalize()}, slice {one['slice'] + 1}: {one['text']}" for one in found]
        st.markdown("**Measured in the picture**  \n" + "  \n".join(words.plain(line) for line in lines))
    if len(found) >= MOST:
        st.warning(f"At most {MOST} measurements of a series are kept and reported: remove one before the next.")


def _measures(case: OpenCase, review: Review, index: int) -> None:
    drawn = panels.segmenters(review)
    if not drawn:
        st.caption("No model of this system outlines anything: there is nothing to measure.")
        return
    measures.show(case.series, drawn, index)


def _report(case: OpenCase, index: int, view: controls.View, picture: np.ndarray) -> None:
    # Here: what writes reports, and pandas, take half a second to load, and the first answer is in another tab.
    from dashboard.review import downloads, pedigree

    review = case.review if case.review is not None and case.review.complete else None
    caption = f"{case.study.name}, slice {index + 1} of {case.series.slices}. Research use only, not a diagnosis."
    downloads.show(case, review, index, picture, caption, view)
    if review is None:
        st.caption("Reports follow when every slice has been answered.")
    pedigree.show(review, case.study, case.series)
