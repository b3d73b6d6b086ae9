"""A class on the phones of its students: join with the code, answer, be told the truth; no account."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.review import open_store
from core.teaching import learners
from dashboard.kit import messages
from dashboard.learn import guest, way

with messages.shown():
    store = open_store()
    learner = learners.guest(store, st.query_params.get("me", ""))
    if learner is None:
        guest.join(store)
    else:
        attempt = guest.attempt(store, learner)
        if attempt is not None:
            way.show(store, learner.id or 0, attempt, partial(guest.name, learner))
