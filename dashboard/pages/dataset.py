"""Dataset: what the pictures are, how they look in numbers, and what is wrong with the set."""

from __future__ import annotations

import streamlit as st

from dashboard.widgets import dataset_audit, dataset_look, dataset_source, messages

st.title("Data sets")
with messages.shown():
    found = dataset_source.choose()
    if found is not None:
        with messages.shown():
            dataset_source.counts(found)
        with messages.shown():
            dataset_look.pictures(found)
        with messages.shown():
            dataset_audit.show(found)
        with messages.shown():
            dataset_audit.card(found)
