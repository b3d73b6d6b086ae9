"""Models: what each one is, how it was tested, and what it was compared with."""

from __future__ import annotations

import streamlit as st

from core.systems import SYSTEMS
from dashboard.kit import heat_check_table, messages, tables
from dashboard.kit.engine import engine
from dashboard.models import about, times

st.title("Models and their evidence")
tables.style()
with messages.shown():
    times.control()
with messages.shown():
    for name, system in SYSTEMS.items():
        about.show(system, engine().states(name))
        st.markdown("**Do the heat maps find the tumour**")
        heat_check_table.heat_check_table(name)
with messages.shown():
    about.pretraining()
