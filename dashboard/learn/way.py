"""The way through an attempt: the next case, the one just answered, or the results; the address says which."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.review import Store
from core.teaching import attempts, blinding
from core.teaching.rules import Purpose
from dashboard.kit import address
from dashboard.learn import case, question, study, summary, told
from dashboard.review import reading

# The head and the verdict stand above the picture, which still ends at the screen's edge.
STYLE = """<style>
.st-key-reader { --or-room: calc(100vh - 13.2rem); }
.st-key-reader:has(.told) { --or-room: calc(100vh - 15.2rem); }
.stElementContainer:has(.told) { position: absolute; }
.st-key-desk-rail { height: calc(100vh - 12rem); }
@media (max-width: 760px) {
  .st-key-reader { --or-room: min(130vw, 66vh); }
  .st-key-desk-rail { height: auto; }
}
</style>"""


def chosen() -> int | None:
    """The attempt that the address names."""
    said = st.query_params.get("attempt", "")
    return int(said) if said.isdecimal() else None


def show(store: Store, learner: int, number: int, leave: Callable[[], None]) -> None:
    """Draw where the learner stands.

    Args:
        leave: draws the way out.
    """
    made = attempts.attempt(store, learner, number)
    look = address.number("look", len(made.sequence))
    reading.style()
    st.html(STYLE)
    if look is not None:
        shown = blinding.truth(store, learner, number, made.sequence[look])
        told.show(store, number, shown, leave, more=made.finished is None)
        return
    task = attempts.task(store, learner, number)
    if task is not None:
        question.show(store, learner, task, leave)
    else:
        case.leave()
        leave()
        if made.purpose == Purpose.STUDY:
            study.ended()
        else:
            summary.show(store, learner, made)
