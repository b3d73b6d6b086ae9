"""Models: what each one is, how it was tested, and what it was compared with."""

from __future__ import annotations

import streamlit as st

from core.systems import SYSTEMS
from dashboard.widgets import evidence_tables, heat_check_table, messages, model_evidence, model_times
from dashboard.widgets.engine import engine

st.title("Models and their evidence")
evidence_tables.style()
with messages.shown():
    model_times.control()
with messages.shown():
    for name, system in SYSTEMS.items():
        model_evidence.show(system, engine().states(name))
        st.markdown("**Do the heat maps find the tumour**")
        heat_check_table.heat_check_table(name)
with messages.shown():
    model_evidence.pretraining()
