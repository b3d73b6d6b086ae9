"""Worklist: the cases of an archive by expected yield of a second look, blind ones without what would tell."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from core.review.archives import worklist
from dashboard.widgets import (
    messages,
    read_blind,
    who,
    worklist_choice,
    worklist_head,
    worklist_table,
    worklist_take,
    worklist_waiting,
    worklist_yield,
)

st.title("Worklist")
reader = who.number()
with messages.shown():
    store = open_store()
    chosen = worklist_choice.choose(store, manage=who.may(Action.IMPORT))
    if chosen is not None:
        listed = worklist(store, chosen.number, chosen.models, reader)
        worklist_head.show(store, chosen, listed)
        waiting = [row for row in listed.rows if row.hidden]
        visible = [row for row in listed.rows if not row.hidden]
        to_read, ranked, reads = st.tabs([f"To read ({len(waiting):,})", f"Open ({len(visible):,})", "Reads needed"])
        with to_read, messages.shown():
            worklist_waiting.show(store, waiting, reader, scored=listed.unscored == 0)
        with ranked, messages.shown():
            worklist_table.show(store, visible, reader, chosen.number)
        with reads, messages.shown():
            worklist_yield.show(store, chosen, listed.hidden)
        worklist_take.show(store, chosen, reader)
        with st.expander("How reading blind works", icon=":material/help:"):
            st.markdown(read_blind.HELP)
