"""Records: what was read and decided, the audit trail, who may do what, and with which tokens."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from dashboard.kit import messages, who
from dashboard.records import cases, network, people, tokens, trail

st.title("Records")
reader = who.number()
with messages.shown():
    store = open_store()
    parts = {
        "Cases": (Action.REPORT, lambda: cases.show(store, reader)),
        "Audit trail": (Action.AUDIT, lambda: trail.show(store)),
        "DICOM node": (Action.AUDIT, lambda: network.show(store)),
        "People": (Action.MANAGE_USERS, lambda: people.show(store, reader)),
    }
    offered = {name: draw for name, (action, draw) in parts.items() if who.may(action)}
    offered["Tokens"] = lambda: tokens.show(store, reader)
    for tab, draw in zip(st.tabs(list(offered)), offered.values(), strict=True):
        with tab, messages.shown():
            draw()
