"""A new reader study: its arms, readers and cases, and how often a study of that size would find a difference."""

from __future__ import annotations

import secrets

import streamlit as st

from core.errors import OverreadError
from core.review import Store
from core.statistics.multireader import reader_power
from core.statistics.multireader.reader_power import Design
from core.teaching import studies
from core.teaching.plans import LONGEST_PAUSE, MOST_READERS, WASHOUT, Arm, Plan
from dashboard.kit import address, messages, words
from dashboard.teach import make

SIMULATED = 200  # studies for one answer: it is known to 0.07 or better
ARMS = (
    "Unaided: without models. Second reader: an answer alone, then one with the models. Concurrent: the models in "
    "sight from the beginning."
)


def show(store: Store, actor: int) -> None:
    """The form."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### Who reads what")
        title = st.text_input("Title of the study", key="study-title", max_chars=120)
        arms = st.multiselect(
            "Arms, a session each", list(Arm), [Arm.UNAIDED, Arm.CONCURRENT], key="study-arms", help=ARMS
        )
        with st.container(horizontal=True, gap="small"):
            readers = int(st.number_input("Readers", 2, MOST_READERS, 6, key="study-readers", width=110))
            blocks = int(
                st.number_input(
                    "Blocks", 1, 20, 1, key="study-blocks", width=110,
                    help="1: fully crossed, every reader reads every case. More: split-plot, readers and cases are "
                    "dealt into blocks, and every reader reads the cases of one block only.",
                )
            )  # fmt: skip
            washout = int(
                st.number_input(
                    "Days between sessions", 0, LONGEST_PAUSE, WASHOUT, key="study-washout", width=170,
                    help="So that the cases are forgotten (washout).",
                )
            )  # fmt: skip
    with right:
        st.markdown("##### Would it find the difference?")
        place = st.container()
    st.markdown("##### Its cases")
    drafts = make.cases(store, actor)
    with place:
        _power(readers, blocks)
    ready = {"a title": title.strip(), "two arms": len(arms) > 1 or arms == [Arm.SECOND], "cases": drafts}
    wanting = [what for what, there in ready.items() if not there]
    sessions = words.count(max(len(arms), 1), "session")
    told = f"{words.count(len(drafts), 'case')}, {sessions} for each of {readers} readers"
    st.caption(told + (f"; still to say: {', '.join(wanting)}" if wanting else ""))
    number = st.session_state.get("study-made-count", 0)  # a button of its own each time: pressed twice it makes one
    if st.button(
        "Make the study", type="primary", icon=":material/add:", disabled=bool(wanting), key=f"make-study-{number}"
    ):
        try:
            with st.spinner("Looking at every case …"):
                plan = Plan(tuple(arms), readers, blocks, washout, seed=secrets.randbelow(10**6))
                made = studies.make(store, actor, title, drafts, plan)
                # Before the spinner ends, where another press may cut this run off.
                st.session_state["study-made-count"] = number + 1
                st.session_state.pop("teach-study", None)
                address.go(study=made.id)
        except OverreadError as error:
            messages.show(error)
            return
        st.rerun()


def _power(readers: int, blocks: int) -> None:
    with st.container(horizontal=True, gap="small"):
        positives = int(st.number_input("Cases with a finding", 2, 1000, 40, key="power-positives", width=160))
        negatives = int(st.number_input("Cases without", 2, 1000, 40, key="power-negatives", width=160))
        first = st.number_input("AUC unaided", 0.51, 0.99, 0.75, 0.01, key="power-first", width=130)
        second = st.number_input("AUC with models", 0.51, 0.99, 0.83, 0.01, key="power-second", width=150)
    asked = (readers, positives, negatives, float(first), float(second), blocks)
    if st.button("Simulate such studies", icon=":material/casino:", key="power-go"):
        bar = st.progress(0.0)

        def tell(share: float) -> None:
            bar.progress(share)

        try:
            design = Design(*asked[:5], blocks=blocks)
            found = reader_power.power(design, SIMULATED, tell=tell)
        except OverreadError as error:
            messages.show(error)
        else:
            st.session_state["power-found"] = (asked, found)
        finally:
            bar.empty()
    kept = st.session_state.get("power-found")
    if kept is not None and kept[0] == asked:
        found = kept[1]
        st.markdown(
            f"**Power {found.value:.0%}** ({found.low:.0%} to {found.high:.0%}): of {found.n} simulated studies with "
            f"{readers} readers and {positives} + {negatives} cases"
            + (f" in {blocks} blocks" if blocks > 1 else "")
            + ", so many found the difference at p < 0.05, for other readers and other cases."
        )
    st.caption(
        "Ratings after Roe and Metz (1997), analysed as the study will be. Expected areas come from studies like this "
        "one; 80 % power is usual. The cases counted here may differ from those chosen below."
    )
