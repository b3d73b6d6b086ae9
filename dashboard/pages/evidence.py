"""Evidence: what each number of each model is worth, from its stored predictions."""

from __future__ import annotations

import streamlit as st

from dashboard.evidence import contents, sections
from dashboard.kit import messages

st.title("Evidence")
with messages.shown():
    found, split = sections.choose()
    if sections.state(found, split):
        contents.show(found, split)
