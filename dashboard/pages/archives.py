"""Archives: make one, bring cases in, let the models score them, and see how it stands."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from dashboard.widgets import archive_import, archive_new, archive_runs, archive_state, messages, who, worklist_choice

st.title("Archives")
actor = who.number()
with messages.shown():
    store = open_store()
    archive = worklist_choice.archive(store)
    if who.may(Action.IMPORT):
        with st.expander("New archive", icon=":material/add:", expanded=archive is None):
            archive_new.show(store, actor)
    if archive is not None and archive.id is not None:
        archive_state.overview(store, archive)
        if who.may(Action.IMPORT):
            with st.expander("Add cases", icon=":material/upload_file:", expanded=not store.cases(archive.id)):
                archive_import.show(store, actor, archive.id)
        with messages.shown():
            st.subheader("Imports and scoring")
            archive_runs.show(store, actor, archive.id)
            archive_state.unread(store, archive.id)
        with messages.shown():
            archive_state.systems(store, actor, archive.id, worklist_choice.systems_of(store, archive))
