"""Arbitration: cases that wait for a third look, the truth as recorded by the arbiter, and the summary."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from dashboard.widgets import arbitration_desk, arbitration_queue, messages, peer_summary, read_case, who

arbiter = who.number()
with messages.shown():
    store = open_store()
    record = read_case.chosen(store)
    if record is not None and arbitration_queue.holds(store, record) and who.may(Action.ARBITRATE):
        arbitration_desk.show(store, record, read_case.on_desk(store, record, "arbitration"), arbiter)
    else:
        st.title("Arbitration")
        if who.may(Action.ARBITRATE):
            arbitration_queue.show(store)
        if who.may(Action.SUMMARISE):
            peer_summary.show(store)
