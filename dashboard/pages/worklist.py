"""Worklist: the cases of an archive by expected yield of a second look, blind ones without what would tell."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from core.review.archives import worklist
from dashboard.kit import archive_choice, messages, who
from dashboard.read import blind
from dashboard.worklist import head, table, take, yields
from dashboard.worklist import waiting as worklist_waiting

st.title("Worklist")
reader = who.number()
with messages.shown():
    store = open_store()
    chosen = archive_choice.choose(store, manage=who.may(Action.IMPORT))
    if chosen is not None:
        listed = worklist(store, chosen.number, chosen.models, reader)
        head.show(store, chosen, listed, reader)
        waiting = [row for row in listed.rows if row.hidden]
        visible = [row for row in listed.rows if not row.hidden]
        to_read, ranked, reads = st.tabs([f"To read ({len(waiting):,})", f"Open ({len(visible):,})", "Reads needed"])
        with to_read, messages.shown():
            worklist_waiting.show(store, waiting, reader, unscored=listed.unscored, total=len(listed.rows))
        with ranked, messages.shown():
            table.show(store, visible, reader, chosen.number, blind=bool(waiting))
        with reads, messages.shown():
            yields.show(store, chosen, reader)
        take.show(store, chosen, reader)
        with st.expander("How reading blind works", icon=":material/help:"):
            st.markdown(blind.HELP)
