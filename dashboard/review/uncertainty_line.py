"""How far to trust this answer, in one line: do the models agree, and does it hold when the slice changes a little."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.engine.results import Review
from core.engine.uncertainty import GAIN, SHIFT, ZOOM, Spread, Uncertainty
from core.errors import OverreadError
from dashboard.kit import messages, words
from dashboard.kit.cases import Case
from dashboard.kit.engine import engine

CHANGES = f"mirrored, shifted by {SHIFT:.0%}, zoomed by {ZOOM:.0%}, contrast changed by {GAIN:.0%}"


@st.fragment
def show(case: Case, review: Review, index: int) -> None:
    """Disagreement of the models at once; the spread under small changes when it is asked for."""
    if not review.ready or case.system is None:
        return
    key = (case.system, case.series_index, index)
    found = case.spreads.get(key)
    st.markdown(f":material/vital_signs: **Uncertainty.** {words.plain(between(review, index))} {_within(found)}")
    if found is None:
        if st.button(
            "Test how steady this answer is",
            key=f"steady-{case.key}-{case.series_index}-{index}",
            icon=":material/tune:",
            help=f"Asks every model about this slice again: {CHANGES}.",
        ):
            with messages.shown(), st.spinner("Asking the models again"):
                case.spreads[key] = engine().uncertainty(case.study, case.system, case.series_index, index)
                st.rerun(scope="fragment")
        return
    with st.expander("Numbers behind it"):
        _numbers(found)


def between(review: Review, index: int) -> str:
    """How far the models of one question lie apart on one slice."""
    findings = np.array([v.probability for v in review.votes[index].counted]) if review.votes else np.zeros(0)
    if len(findings) < 2:
        return "One model answers this question: there is no other to differ from."
    low, high = words.probability(float(findings.min())), words.probability(float(findings.max()))
    deviation = float(findings.std(ddof=1))
    lead = "The models lie close together" if deviation <= 0.1 else "The models lie apart"
    return f"{lead}: {low} to {high} (standard deviation {deviation:.2f} over {len(findings)} models)."


def _within(found: Uncertainty | None) -> str:
    return "" if found is None else words.plain(steadiness(found))


def steadiness(found: Uncertainty) -> str:
    """Whether small changes of the slice move an answer, in a sentence."""
    if not found.spreads:
        return "Whether small changes of the slice move the answer could not be tested."
    short = words.short_titles([s.title for s in found.spreads])
    turned = [s for s in found.spreads if s.flips]
    if turned:
        told = "; ".join(f"{short[s.title]} {_range(s)}, threshold {words.probability(s.threshold)}" for s in turned)
        return f"Not steady: small changes of the slice turn the answer ({told})."
    widest = max(found.spreads, key=lambda s: s.high - s.low)
    told = f"{short[widest.title]} {_range(widest)}"
    if not widest.steady:
        return f"The answers stand under small changes of the slice, but the probability moves ({told})."
    return f"Steady: small changes of the slice move no answer (widest: {told})."


def _range(spread: Spread) -> str:
    return f"{words.probability(spread.low)} to {words.probability(spread.high)}"


def _numbers(found: Uncertainty) -> None:
    if found.spreads:
        short = words.short_titles([s.title for s in found.spreads])
        columns = {"Slice": list(found.spreads[0].variants)}
        for spread in found.spreads:
            columns[short[spread.title]] = [words.probability(float(p)) for p in spread.finding]
        st.dataframe(columns, hide_index=True)
        st.caption(f"Calibrated probability of a finding on slice {found.slice_index + 1}, {CHANGES}.")
    for title, reason in found.failed:
        messages.show(OverreadError(f"{title}: no spread.", reason))
