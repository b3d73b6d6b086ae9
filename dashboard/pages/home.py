"""Home: what this is, three ways in, which models can answer, and the latest cases."""

from __future__ import annotations

import streamlit as st

from dashboard import warming
from dashboard.home import entrance
from dashboard.kit import messages

entrance.headline()
entrance.ways_in()

warming.engine(drawn=True)
# After the words that need no library: when the server has just started, these load while the reader reads.
from dashboard.home import model_states, recent_cases, showcase  # noqa: E402
from dashboard.kit.engine import engine  # noqa: E402

with messages.shown():
    showcase.show()
with messages.shown():
    st.subheader("Recent cases")
    recent_cases.show()
    st.subheader("State of the models")
    model_states.show(engine().states())
