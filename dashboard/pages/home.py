"""Home: what this is, three ways in, which models can answer, and the latest cases."""

from __future__ import annotations

import streamlit as st

from dashboard.home import entrance, model_states, recent_cases, showcase
from dashboard.kit import messages
from dashboard.kit.engine import engine

entrance.headline()
entrance.ways_in()
with messages.shown():
    showcase.show()
with messages.shown():
    st.subheader("Recent cases")
    recent_cases.show()
    st.subheader("State of the models")
    model_states.show(engine().states())
