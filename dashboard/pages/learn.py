"""Learn: answer quizzes in the viewer, be told the truth, see your own curves, repeat what you missed."""

from __future__ import annotations

import streamlit as st

from core.review import open_store
from core.teaching import builtin, learners
from dashboard.kit import address, messages, who
from dashboard.learn import curves, start, way

with messages.shown():
    store = open_store()
    with st.spinner("Drawing the built-in course …"):
        builtin.ensure(store)
    learner = learners.of_user(store, who.number()).id or 0
    attempt = way.chosen()
    start.failed()
    if attempt is not None:

        def leave() -> None:
            """Back to the list."""
            gone = {"attempt": None, "look": None}
            st.button("All quizzes", icon=":material/arrow_back:", type="tertiary", on_click=address.keep, kwargs=gone)

        way.show(store, learner, attempt, leave)
    else:
        st.title("Learn to read")
        quizzes, mine = st.tabs(["Quizzes", "Your curves"])
        with quizzes, messages.shown():
            start.show(store, learner)
        with mine, messages.shown():
            curves.show(store, learner)
