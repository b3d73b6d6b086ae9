"""Dataset: what the pictures are, how they look in numbers, and what is wrong with the set."""

from __future__ import annotations

import streamlit as st

from dashboard.dataset import audit, look, source
from dashboard.kit import messages

st.title("Data sets")
with messages.shown():
    found = source.choose()
    if found is not None:
        with messages.shown():
            look.pictures(found)
        with messages.shown():
            source.counts(found)
        with messages.shown():
            audit.show(found)
        with messages.shown():
            audit.card(found)
