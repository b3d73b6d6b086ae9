"""A new quiz: from simulated scans, built-in samples or cases of an archive whose truth is known."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.errors import OverreadError
from core.review import Action, Store
from core.simulate import DRAWINGS
from core.simulate.samples import list_samples
from core.systems import SYSTEMS
from core.teaching import builtin, quizzes
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import LONGEST, SHORTEST, Models, Rules, Source, Verify
from dashboard.kit import address, messages, who, words
from dashboard.teach import choose

NEW = "a new course"
QUIZ = "another quiz"
MOST = 60  # simulated cases of one kind


def show(store: Store, actor: int) -> None:
    """The form."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### What it is about")
        own = [one for one in quizzes.courses(store) if one.owner == actor and not one.builtin]
        titles = {one.id: one.title for one in own}
        course = st.selectbox(
            "Course", [None, *titles], format_func=lambda n: titles[n] if n else NEW, key="new-course"
        )
        name = "" if course else st.text_input("Name of the course", key="new-course-name", max_chars=120)
        title = st.text_input("Title of the quiz", key="new-title", max_chars=120)
        goals = st.text_area("Learning goals", key="new-goals", height=80, max_chars=2000)
        hint = st.text_input("A hint for every case (optional)", key="new-hint", max_chars=500)
        note = st.text_input("Your note, shown with the truth (optional)", key="new-note", max_chars=2000)
    with right:
        st.markdown("##### How it is answered")
        rules = _rules()
    st.markdown("##### Its cases")
    drafts = cases(store, actor)
    ready = bool(title.strip() and drafts and (course or name.strip()))
    st.caption(
        words.count(len(drafts), "case") + ("" if ready else "; still to say: " + _missing(title, drafts, course, name))
    )
    number = st.session_state.get("teach-made-count", 0)  # a button of its own each time: pressed twice it makes one
    if st.button("Make the quiz", type="primary", icon=":material/add:", disabled=not ready, key=f"make-quiz-{number}"):
        try:
            with st.spinner("Looking at every case …"):
                owner = course or quizzes.add_course(store, actor, name).id or 0
                told = [ItemDraft(d.source, d.place, hint or d.hint, note or d.note) for d in drafts]
                made = quizzes.add_quiz(store, actor, owner, title, told, rules, goals)
                # Before the spinner ends, where another press may cut this run off.
                st.session_state["teach-made-count"] = number + 1
                st.session_state["teach-made"] = made.title
                st.session_state.pop("teach-quiz", None)
                address.go(quiz=made.id)
        except OverreadError as error:
            messages.show(error)
            return
        st.rerun()


def _missing(title: str, drafts: Sequence[ItemDraft], course: int | None, name: str) -> str:
    wanted = {"the course": course or name.strip(), "a title": title.strip(), "cases": drafts}
    return ", ".join(what for what, there in wanted.items() if not there)


def _rules() -> Rules:
    verify = st.radio("The truth is told", [Verify.AT_ONCE, Verify.AT_END], key="new-verify", horizontal=True)
    said = {
        Models.NEVER: "never",
        Models.AT_ONCE: "from the beginning",
        Models.WITH_TRUTH: "with the truth",
        Models.SECOND: "after the first answer, for a second one",
    }
    models = st.radio("The models' answers are shown", list(said), 2, format_func=said.__getitem__, key="new-models")
    planted = _planted() if models is Models.SECOND else None
    if planted is not None:
        verify = Verify.AT_END
    shuffle = st.toggle("Another order for every learner", True, key="new-shuffle")
    timed = st.toggle("Limit the time for each case", False, key="new-timed")
    seconds = st.number_input("Seconds a case", SHORTEST, LONGEST, 60, key="new-seconds") if timed else None
    seed = st.session_state.setdefault("new-seed", secrets.randbelow(10**6))
    return Rules(
        shuffle=shuffle,
        verify=verify or Verify.AT_ONCE,
        models=models or Models.WITH_TRUTH,
        seconds=None if seconds is None else int(seconds),
        seed=seed,
        planted=planted,
    )


def _planted() -> float | None:
    """Share of the cases in which a made-up AI is wrong in place of the models; ``None`` for the models themselves."""
    if not st.toggle("A planted AI instead (automation-bias laboratory)", False, key="new-planted"):
        return None
    share = st.slider("Wrong on purpose", 10, 90, 30, 10, format="%d %%", key="new-planted-share", width=260)
    st.caption(
        "No model is asked. Learners see a made-up AI's answer after their own, and are told what it was when the quiz "
        "is over; the truth is told at the end. Its answers enter no figure of a model."
    )
    return share / 100


def cases(store: Store, actor: int) -> list[ItemDraft]:
    """Choose cases, from any of the sources."""
    offered: list[str] = [Source.SIMULATED, Source.SAMPLE, *([Source.CASE] if who.may(Action.VIEW) else []), QUIZ]
    source = st.segmented_control("From", offered, default=Source.SIMULATED, required=True, key="new-source")
    if source == Source.SIMULATED:
        return _simulated()
    if source == Source.SAMPLE:
        return _samples()
    if source == QUIZ:
        return _quiz(store, actor)
    return _archive(store, actor)


def _simulated() -> list[ItemDraft]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        known = [name for name in SYSTEMS if name in DRAWINGS]
        system = st.selectbox("System", known, format_func=lambda n: SYSTEMS[n].title, key="new-system", width=190)
        labels: list[str] = []
        for label in DRAWINGS[system].labels:
            count = st.number_input(label.capitalize(), 0, MOST, 5, key=f"new-{system}-{label}", width=150)
            labels += [label] * int(count)
        slices = st.number_input("Slices", 1, 24, 1, key="new-slices", width=110)
        hard = st.slider("Hard to see", 0, 100, 40, 10, format="%d %%", key="new-hard", width=170)
        seed = st.number_input(
            "Seed", 1, 10**6, 1, key="new-draw-seed", width=120, help="The same seed draws the same."
        )
    return builtin.simulated(system, labels, int(seed), hard=hard / 100, slices=int(slices)) if labels else []


def _samples() -> list[ItemDraft]:
    known = {info.id: info for info in list_samples()}
    chosen = st.multiselect(
        "Samples",
        list(known),
        format_func=lambda n: f"{SYSTEMS[known[n].system].title}: {known[n].title} ({known[n].label})",
        key="new-samples",
    )
    return [ItemDraft(Source.SAMPLE, {"sample": one}) for one in chosen]


def _quiz(store: Store, actor: int) -> list[ItemDraft]:
    """The same cases once more: later, and with the models in sight or without."""
    known = {one.quiz.id or 0: f"{one.course.title}: {one.quiz.title}" for one in choose.mine(store, actor)}
    if not known:
        st.info("There is no quiz yet.", icon=":material/info:")
        return []
    chosen = st.selectbox("Cases of the quiz", list(known), format_func=known.__getitem__, key="new-again")
    st.caption("Who has not been told their truth yet is not shown these cases before that.")
    found = quizzes.items_for(store, actor, chosen or 0)
    return [ItemDraft(one.source, one.place, one.hint, one.note) for one in found]


def _archive(store: Store, actor: int) -> list[ItemDraft]:
    archives = {one.id: one.name for one in store.archives()}
    if not archives:
        st.info("There is no archive yet.", icon=":material/inventory_2:")
        return []
    archive = st.selectbox("Archive", list(archives), format_func=archives.__getitem__, key="new-archive")
    found = quizzes.usable_cases(store, actor, archive or 0)
    if not found:
        st.caption("No case of it has a known truth: an arbiter's, or a reference mask that came with the images.")
        return []
    frame = pd.DataFrame(
        {
            "Case": [f"Case {one.id}" for one in found],
            "System": [SYSTEMS[one.system].title if one.system in SYSTEMS else "" for one in found],
            "Recorded": [one.recorded_label or "" for one in found],
            "State": [one.state for one in found],
        }
    )
    picked = st.dataframe(
        frame, hide_index=True, on_select="rerun", selection_mode="multi-row", key=f"new-cases-{archive}"
    )
    rows = picked["selection"]["rows"] if picked else []
    return [ItemDraft(Source.CASE, {"case": found[row].id}) for row in rows]
