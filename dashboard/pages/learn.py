"""Learn: answer quizzes in the viewer, be told the truth, see your own curves, repeat what you missed, take a tour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.review import open_store
from core.teaching import builtin, learners
from dashboard.kit import address, messages, who
from dashboard.learn import curves, start, way
from dashboard.learn.laboratory import start as laboratory
from dashboard.learn.tours import start as tours

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
            st.button("All quizzes", icon=":material/arrow_back:", type="tertiary", on_click=address.go, kwargs=gone)

        way.show(store, learner, attempt, leave)
    else:
        st.title("Learn to read")
        parts: dict[str, Callable[[], None]] = {
            "Quizzes": partial(start.show, store, learner),
            "Your curves": partial(curves.show, store, learner),
            "Tours": tours.show,
            "Laboratory": laboratory.show,
        }
        names = tuple(parts)
        # As its state, not as a default: with another default they are other tabs, and a click on the old ones is lost.
        address.follow("learn-part", "part", names)
        tabs = st.tabs(names, key="learn-part", on_change="rerun")
        for name, tab in zip(names, tabs, strict=True):
            if tab.open:
                address.keep(part=name)
                with tab, messages.shown():
                    parts[name]()
