"""Reader studies of one's own: plan one, see how far its readers are, and what it came to."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.review import Store
from core.review.tables import Study
from core.teaching import studies, study_outcome
from core.teaching.plans import Arm, Plan
from core.teaching.study_outcome import Progress
from dashboard.kit import address, who, words
from dashboard.teach import study_plan, study_result

NEW = "a new study"


def show(store: Store, actor: int) -> None:
    """The choice, and the study."""
    own = {one.id: one for one in studies.studies(store, actor)}
    said = st.query_params.get("study", "")
    start = int(said) if said.isdecimal() and int(said) in own else None
    options = [None, *own]
    if st.session_state.get("teach-study", 0) not in options or address.went_back():
        st.session_state["teach-study"] = start
    chosen = st.selectbox("Study", options, format_func=lambda n: own[n].title if n else NEW, key="teach-study")
    address.keep(study=chosen)
    if chosen is None:
        study_plan.show(store, actor)
        return
    study = own[chosen]
    st.caption(words.plain(in_words(study)))
    progress = study_outcome.progress(store, actor, study.id or 0)
    _readers(store, actor, study, progress)
    study_result.show(store, actor, study, progress)


def in_words(study: Study) -> str:
    """The plan in one line."""
    plan = Plan.of(study.plan)
    arms = " against ".join(map(str, plan.compared))
    if plan.arms == (Arm.SECOND,):
        arms = "first against second answers, read as second reader"
    cases = len({case for one in study.sessions for case in one["cases"]})
    design = "fully crossed" if plan.blocks == 1 else f"split-plot, {plan.blocks} blocks"
    facts = [arms, design, words.count(plan.readers, "reader"), words.count(cases, "case")]
    if len(plan.arms) > 1:
        facts.append(f"{words.count(plan.washout, 'day')} between sessions, orders of the arms balanced")
    if study.closed is not None:
        facts.append(f"closed {study.closed:%Y-%m-%d}")
    return " · ".join(facts)


def _readers(store: Store, actor: int, study: Study, progress: list[Progress]) -> None:
    st.markdown("##### Readers")
    if study.closed is None and any(not one.name for one in progress):
        st.caption(
            "Whoever has an account and may learn finds the study on the page Learn, and takes the next free place. "
            "Guests of a class cannot: nobody could hold its cases back from them elsewhere, or know them again after "
            "the pause. Give them accounts with the role student; or, where one session without a pause is enough, "
            "make a quiz with a second answer and open its class."
        )
        if not who.configured():
            st.info(
                "Nobody signs in here, so there is one reader: you. Set up sign-in first (OpenID Connect, "
                "`.streamlit/secrets.example.toml`).",
                icon=":material/group_off:",
            )
    blocks = Plan.of(study.plan).blocks > 1
    st.dataframe(pd.DataFrame([_line(one, blocks) for one in progress]), hide_index=True, key=f"readers-{study.id}")
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Assignment table (CSV)",
            study_outcome.assignment_csv(study),
            file_name=f"study-{study.id}-assignment.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
        if study.closed is None:
            st.button(
                "Close the study",
                icon=":material/lock:",
                on_click=studies.close,
                args=(store, actor, study.id or 0),
                help="Nobody joins or begins a session any more; its cases are no longer held back from its readers.",
            )


def _line(one: Progress, blocks: bool) -> dict[str, object]:
    done = f"{one.done} of {len(one.arms)}" + (f", {one.answered} cases into the next" if one.answered else "")
    return {
        "Reader": one.place + 1,
        "Name": one.name or "free",
        **({"Block": one.block + 1} if blocks else {}),
        "Order of arms": ", then ".join(map(str, one.arms)),
        "Sessions done": done,
        "Last": "" if one.last is None else f"{one.last:%Y-%m-%d %H:%M}",
    }
