"""Where a learner begins: what is due, what is under way, and the quizzes there are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import OverreadError
from core.review import Store
from core.review.tables import Attempt
from core.systems import SYSTEMS
from core.teaching import attempts, certificates, quizzes, repetition
from core.teaching.quizzes import Listed
from core.teaching.rules import Purpose
from dashboard.kit import address, messages, words
from dashboard.learn import certificate, study


def show(store: Store, learner: int) -> None:
    """The list."""
    listed = quizzes.quizzes(store)
    mine = attempts.attempts(store, learner)
    _due(store, learner, listed)
    study.show(store, learner)
    courses = {one.course.id: one.course for one in listed}
    finished = certificates.finished_courses(store, learner)
    for number, course in courses.items():
        shown = [one for one in listed if one.course.id == number and _offered(one, mine)]
        if not shown:
            continue
        st.subheader(course.title)
        if course.goals:
            st.markdown(words.plain(course.goals))
        if number in finished:
            certificate.of_course(store, learner, number or 0)
        for one in shown:
            _quiz(store, learner, one, [a for a in mine if a.quiz_id == one.quiz.id])


def _offered(one: Listed, mine: Sequence[Attempt]) -> bool:
    return one.quiz.listed or any(a.quiz_id == one.quiz.id for a in mine)


def _due(store: Store, learner: int, listed: Sequence[Listed]) -> None:
    waiting = repetition.due(store, learner)
    names = {one.quiz.id: one.quiz.title for one in listed}
    if not waiting:
        following = repetition.next_due(store, learner)
        if following is not None:
            st.caption(f":material/event_repeat: What you missed comes back from {following:%Y-%m-%d %H:%M} UTC.")
        return
    total = sum(map(len, waiting.values()))
    with st.container(border=True):
        st.markdown(f":material/event_repeat: **{words.count(total, 'case')} you missed, due again**")
        with st.container(horizontal=True, gap="small"):
            for quiz, items in waiting.items():
                st.button(
                    f"{names.get(quiz, 'Quiz')} ({len(items)})",
                    key=f"again-{quiz}",
                    on_click=_begin,
                    args=(store, learner, quiz, items),
                )


def _quiz(store: Store, learner: int, one: Listed, mine: Sequence[Attempt]) -> None:
    quiz = one.quiz
    under_way = next((a for a in mine if a.finished is None and a.purpose == Purpose.QUIZ), None)
    done = [a for a in mine if a.finished is not None and a.purpose == Purpose.QUIZ]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            facts = [words.count(one.items, "case"), *(SYSTEMS[name].title for name in one.systems if name in SYSTEMS)]
            if one.simulated:
                facts.append("simulated")
            st.markdown(f"**{words.plain(quiz.title)}**  \n{words.plain(' · '.join(facts))}", width="stretch")
            if done:
                st.button("Results", key=f"results-{quiz.id}", on_click=address.go, kwargs={"attempt": done[-1].id})
            label = "Go on" if under_way else "Once more" if done else "Begin"
            st.button(
                label,
                key=f"begin-{quiz.id}",
                type="primary" if not done or under_way else "secondary",
                icon=":material/play_arrow:",
                on_click=_begin,
                args=(store, learner, quiz.id, None),
            )
        if quiz.goals:
            st.markdown(words.plain(quiz.goals))
        st.caption(one.rules.in_words)


def _begin(store: Store, learner: int, quiz: int, items: Sequence[int] | None) -> None:
    try:
        made = attempts.begin(store, learner, quiz, items)
    except OverreadError as error:
        st.session_state["learn-failed"] = error
        return
    address.go(attempt=made.id, look=None)


def failed() -> None:
    """Say why a quiz could not be begun."""
    error = st.session_state.pop("learn-failed", None)
    if error is not None:
        messages.show(error)
