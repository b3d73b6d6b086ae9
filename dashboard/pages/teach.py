"""Teach: make quizzes, hold a class, see who read what how well."""

from __future__ import annotations

import streamlit as st

from core.review import open_store
from core.teaching import builtin
from dashboard.kit import address, messages, who, words
from dashboard.teach import cases, choose, live, make, outcome, study

SECTIONS = ("Results", "Class", "Cases", "New quiz", "Reader study")

st.title("Teach")
actor = who.number()
if not who.known():
    st.info(
        "Without sign-in, this page is open on the machine that runs Overread only: whoever reaches the server could "
        "read the truth here. With sign-in, teachers have it everywhere.",
        icon=":material/lock:",
    )
    st.stop()
with messages.shown():
    store = open_store()
    with st.spinner("Drawing the built-in course …"):
        builtin.ensure(store)
    made = st.session_state.pop("teach-made", None)
    if made is not None:
        st.session_state["teach-section"] = SECTIONS[1]
        st.success(f"“{words.plain(made)}” is ready.", icon=":material/check:")
    address.follow("teach-section", "section", SECTIONS)
    section = st.segmented_control("Part", SECTIONS, required=True, key="teach-section", label_visibility="collapsed")
    section = section or SECTIONS[0]
    address.keep(section=section)
    if section == SECTIONS[3]:
        make.show(store, actor)
    elif section == SECTIONS[4]:
        study.show(store, actor)
    else:
        one = choose.show(store, actor)
        if one is not None:
            {SECTIONS[0]: outcome.show, SECTIONS[1]: live.show, SECTIONS[2]: cases.show}[section](store, actor, one)
