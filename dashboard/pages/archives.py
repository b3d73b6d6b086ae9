"""Archives: make one, bring cases in, let the models score them, and see how it stands."""

from __future__ import annotations

import streamlit as st

from core.review import Action, open_store
from dashboard.archives import bring_in, next_step, runs, state
from dashboard.archives import new as archive_new
from dashboard.kit import archive_choice, messages, who

st.title("Archives")
actor = who.number()
with messages.shown():
    store = open_store()
    archive = archive_choice.archive(store)
    if who.may(Action.IMPORT):
        with st.expander("New archive", icon=":material/add:", expanded=archive is None):
            archive_new.show(store, actor)
    if archive is not None and archive.id is not None:
        state.overview(store, archive)
        with messages.shown():
            next_step.show(store, actor, archive.id, archive_choice.systems_of(store, archive))
        if who.may(Action.IMPORT):
            with st.expander("Add cases", icon=":material/upload_file:", expanded=not store.cases(archive.id)):
                bring_in.show(store, actor, archive.id)
        with messages.shown():
            st.subheader("Imports and scoring")
            runs.show(store, actor, archive.id)
            state.unread(store, archive.id)
        with messages.shown():
            state.systems(store, actor, archive.id, archive_choice.systems_of(store, archive))
