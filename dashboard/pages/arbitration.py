"""Arbitration: cases that wait for a third look, the truth as recorded by the arbiter, and the summary."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from dashboard.arbitration import desk, peer_summary, queue
from dashboard.kit import messages, who
from dashboard.read import case
from dashboard.review import reading

arbiter = who.number()
with messages.shown():
    store = open_store()
    record = case.chosen(store)
    if record is not None and queue.holds(store, record) and who.may(Action.ARBITRATE):
        reading.style(case.title(record))
        desk.show(store, record, case.on_desk(store, record, "arbitration"), arbiter)
    else:
        st.title("Arbitration")
        if who.may(Action.ARBITRATE):
            queue.show(store)
        if who.may(Action.SUMMARISE):
            peer_summary.show(store)
