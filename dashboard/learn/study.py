"""Reader studies on a learner's page: take part, begin the next session, or when it opens; and the end of one."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.errors import OverreadError
from core.review import Store
from core.review.vocabulary import now
from core.teaching import studies
from core.teaching.plans import Plan
from core.teaching.studies import Standing
from dashboard.kit import address, words


def show(store: Store, learner: int) -> None:
    """The studies there are for this learner; nothing without one."""
    offered = studies.offered(store, learner)
    if not offered:
        return
    st.subheader("Reader studies")
    st.markdown(
        "Your readings are measured, not graded: nobody tells you the truth, and the same cases come back after a "
        "pause. Until your last session is over these scans are held back from you elsewhere."
    )
    for one in offered:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{words.plain(one.study.title)}**  \n{words.plain(told(one))}", width="stretch")
            _button(store, learner, one)


def told(one: Standing, at: datetime | None = None) -> str:
    """How a reader stands, in one line."""
    if one.place is None:
        pause = Plan.of(one.study.plan).washout
        apart = f", {words.count(pause, 'day')} apart" if pause and one.total > 1 else ""
        return f"{words.count(one.total, 'session')} of {words.count(one.cases, 'case')}{apart}"
    if one.done == one.total:
        return "all your sessions are done: thank you"
    which = f"session {one.done + 1} of {one.total}, {words.count(one.cases, 'case')}"
    if one.opens is not None and (at or now()) < one.opens:
        return f"{which}, opens on {one.opens:%Y-%m-%d %H:%M} UTC"
    return which


def _button(store: Store, learner: int, one: Standing) -> None:
    number = one.study.id
    waits = one.opens is not None and now() < one.opens
    if one.place is None:
        st.button("Take part", key=f"join-{number}", on_click=_join, args=(store, learner, number))
    elif one.done < one.total:
        st.button(
            "Go on" if one.attempt else "Begin",
            key=f"study-{number}",
            type="primary",
            icon=":material/play_arrow:",
            disabled=waits,
            on_click=_begin,
            args=(store, learner, number),
        )


def _join(store: Store, learner: int, study: int) -> None:
    try:
        studies.join(store, learner, study)
    except OverreadError as error:
        st.session_state["learn-failed"] = error


def _begin(store: Store, learner: int, study: int) -> None:
    try:
        made = studies.begin(store, learner, study)
    except OverreadError as error:
        st.session_state["learn-failed"] = error
        return
    address.go(attempt=made.id, look=None)


def ended() -> None:
    """After the last case of a session."""
    st.markdown("### This session is done")
    st.markdown(
        "Your answers are locked. Your page says when the next session opens; until then, please do not look these "
        "cases up or talk about them with other readers."
    )
