"""A new archive: its name, and whether it is read blind."""

from __future__ import annotations

import streamlit as st

from core.review import Mode, Store
from dashboard.kit import messages

MODES = {
    Mode.SECOND_READER: "Second reader: everybody gives their own opinion before the models' answers are shown",
    Mode.OPEN: "Open: the models' answers are shown to everybody, for good",
}


def show(store: Store, actor: int) -> None:
    """Form; the new archive is chosen at once."""
    with st.form("new-archive", border=False):
        name = st.text_input("Name", max_chars=80)
        note = st.text_input("What it is (optional)", max_chars=300)
        mode = st.radio("How it is read", list(MODES), format_func=MODES.__getitem__)
        if st.form_submit_button("Make it", icon=":material/add:"):
            with messages.shown():
                made = store.add_archive(actor, name, note, Mode(mode))
                st.session_state.pop("choice-archive", None)
                st.query_params["archive"] = str(made.id)
                st.rerun()
