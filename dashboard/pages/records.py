"""Records: what was read and decided, the audit trail, and who may do what."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from dashboard.widgets import messages, record_cases, record_people, record_trail, who

st.title("Records")
reader = who.number()
with messages.shown():
    store = open_store()
    parts = {
        "Cases": (Action.REPORT, lambda: record_cases.show(store, reader)),
        "Audit trail": (Action.AUDIT, lambda: record_trail.show(store)),
        "People": (Action.MANAGE_USERS, lambda: record_people.show(store, reader)),
    }
    offered = {name: draw for name, (action, draw) in parts.items() if who.may(action)}
    for tab, draw in zip(st.tabs(list(offered)), offered.values(), strict=True):
        with tab, messages.shown():
            draw()
