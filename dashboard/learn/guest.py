"""Students of a class without an account: the code at the door, then their own secret in the address."""

from __future__ import annotations

import streamlit as st

from core.errors import OverreadError
from core.review import Store
from core.review.tables import Learner
from core.teaching import attempts, learners, quizzes
from core.teaching.learners import CODE_LENGTH
from core.teaching.rules import Rules
from dashboard.kit import address, messages, words


def join(store: Store) -> None:
    """The door."""
    st.title("Join the class")
    with st.form("join", border=False):
        code = st.text_input("Code", st.query_params.get("code", ""), max_chars=CODE_LENGTH + 4)
        name = st.text_input("Name for the teacher's list (may be made up)", max_chars=60)
        if st.form_submit_button("Join", type="primary", icon=":material/login:"):
            try:
                _, secret = learners.join(store, code, name)
            except OverreadError as error:
                messages.show(error)
                return
            address.go(me=secret)
            st.rerun()
    st.caption("Keep the address of this page: with it you go on after a reload or a lost connection.")


def attempt(store: Store, learner: Learner) -> int | None:
    """The guest's one attempt; begun when they are ready, for then the clock runs."""
    mine = attempts.attempts(store, learner.id or 0)
    if mine:
        return mine[0].id
    quiz = quizzes.quiz(store, learner.quiz_id or 0)
    st.title(quiz.title)
    if quiz.goals:
        st.markdown(words.plain(quiz.goals))
    st.caption(Rules.of(quiz.rules).in_words)
    if st.button("Begin", type="primary", icon=":material/play_arrow:"):
        attempts.begin(store, learner.id or 0, quiz.id or 0)
        st.rerun()
    return None


def name(learner: Learner) -> None:
    """Who this is, so that nobody answers on another's phone."""
    st.caption(words.plain(learner.name or f"Guest {learner.id}"), width="content")
