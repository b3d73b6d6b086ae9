"""How far to trust this answer, in one line: do the models agree, and does it hold when the slice changes a little."""

from __future__ import annotations

import streamlit as st

from core.engine.certainty import beside, between, steadiness
from core.engine.results import Review
from core.engine.uncertainty import GAIN, SHIFT, ZOOM, Uncertainty
from core.errors import OverreadError
from dashboard.kit import messages, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine

CHANGES = f"mirrored, shifted by {SHIFT:.0%}, zoomed by {ZOOM:.0%}, contrast changed by {GAIN:.0%}"


@st.fragment
def show(case: OpenCase, review: Review, index: int) -> None:
    """Disagreement of the models at once; the spread under small changes when it is asked for."""
    if not review.ready or case.system is None:
        return
    key = (case.system, case.series_index, index)
    found, line, place = case.spreads.get(key), st.empty(), st.empty()
    if found is None and place.button(
        "Test how steady this answer is",
        key=f"steady-{case.key}-{case.series_index}-{index}",
        icon=":material/tune:",
        help=f"Asks every model about this slice again: {CHANGES}.",
    ):
        # Drawn in place: a rerun of the fragment alone is refused where the click came while the page was drawn whole.
        with messages.shown(), st.spinner("Asking the models again"):
            found = case.spreads[key] = engine().uncertainty(case.study, case.system, case.series_index, index)
            place.empty()
    line.markdown(
        f":material/vital_signs: **Uncertainty.** {words.plain(between(review.votes[index]))} {_within(found)}"
    )
    if found is None:
        return
    with st.expander("Numbers behind it"):
        _numbers(found)


def _within(found: Uncertainty | None) -> str:
    return "" if found is None else words.plain(" ".join(filter(None, (steadiness(found), beside(found)))))


def _numbers(found: Uncertainty) -> None:
    if found.spreads:
        short = words.short_titles([s.title for s in found.spreads])
        columns = {"Slice": [*found.spreads[0].variants, *found.spreads[0].sides]}
        for spread in found.spreads:
            every = (*spread.finding, *spread.beside)
            columns[short[spread.title]] = [words.probability(float(p)) for p in every]
        st.dataframe(columns, hide_index=True)
        st.caption(f"Calibrated probability of a finding on slice {found.slice_index + 1}, {CHANGES}.")
    for title, reason in found.failed:
        messages.show(OverreadError(f"{title}: no spread.", reason))
