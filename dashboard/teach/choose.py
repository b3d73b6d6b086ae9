"""Which quiz of one's own (or the built-in ones) the page is about; the address says which."""

from __future__ import annotations

import streamlit as st

from core.review import Store
from core.teaching import quizzes
from core.teaching.quizzes import Listed
from dashboard.kit import address, words


def mine(store: Store, actor: int) -> list[Listed]:
    """Quizzes that the actor may see the results of."""
    return [one for one in quizzes.quizzes(store) if one.course.owner == actor or one.course.builtin]


def show(store: Store, actor: int) -> Listed | None:
    """The choice; ``None`` without any quiz."""
    offered = mine(store, actor)
    if not offered:
        st.info("There is no quiz yet: make one under “New quiz”.", icon=":material/info:")
        return None
    names = {one.quiz.id: f"{one.course.title}: {one.quiz.title}" for one in offered}
    said = st.query_params.get("quiz", "")
    start = int(said) if said.isdecimal() and int(said) in names else offered[-1].quiz.id
    if st.session_state.get("teach-quiz") not in names or address.went_back():
        st.session_state["teach-quiz"] = start
    chosen = st.selectbox("Quiz", list(names), format_func=names.__getitem__, key="teach-quiz")
    address.keep(quiz=chosen)
    one = next(one for one in offered if one.quiz.id == chosen)
    facts = [words.count(one.items, "case"), *(["simulated"] if one.simulated else []), one.rules.in_words]
    if one.rules.planted is not None:
        facts.append(f"planted AI, wrong on purpose in {one.rules.planted:.0%}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(words.plain(" · ".join(facts)), width="stretch")
        st.toggle(
            "On every learner's page",
            one.quiz.listed,
            key=f"listed-{chosen}",
            on_change=_listed,
            args=(store, actor, one),
            help="Off: only who joins with the class's code, or has begun it, can answer it.",
        )
    return one


def _listed(store: Store, actor: int, one: Listed) -> None:
    quizzes.show_to_learners(store, actor, one.quiz.id or 0, bool(st.session_state[f"listed-{one.quiz.id}"]))
