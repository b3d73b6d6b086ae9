"""The made-up AI of the automation-bias laboratory: its answer beside the second one, and what it was, at the end."""

from __future__ import annotations

import streamlit as st

from core.review import Store
from core.review.tables import PlantedAnswer
from core.statistics.intervals import Interval
from core.systems import SYSTEMS
from core.systems.declaration import System
from core.teaching import bias, blinding
from core.teaching.attempts import Task
from core.teaching.results import Row
from dashboard.kit import words

ANSWER = "The AI’s answer"


def show(store: Store, learner: int, task: Task) -> None:
    """What it says of a case. Nothing here tells that it is made up: the page says so when the quiz is over."""
    found = blinding.planted_answer(store, learner, task.attempt, task.item)
    if found is None:
        return
    share = found.probability
    st.html(
        f"<div style='border:1px solid rgba(128,128,128,.4);border-radius:.5rem;padding:.7rem .9rem'>"
        f"<div style='font-size:.8rem;opacity:.75'>{ANSWER}</div>"
        f"<div style='font-size:1.25rem;font-weight:600'>{words.cell(said(found, SYSTEMS[task.system]))}</div>"
        f"<div role='img' aria-label='probability of a finding {share:.2f}' style='position:relative;height:.5rem;"
        f"border-radius:.25rem;background:rgba(128,128,128,.3);margin:.45rem 0 .3rem'>"
        f"<div style='width:{share:.0%};height:100%;border-radius:.25rem;background:#56b4e9'></div>"
        "<div style='position:absolute;left:50%;top:-.15rem;height:.8rem;border-left:2px solid currentColor'></div>"
        "</div><div style='font-size:.85rem;font-variant-numeric:tabular-nums'>"
        f"probability of a finding {share:.2f}</div></div>"
    )


def said(found: PlantedAnswer, system: System) -> str:
    """Its answer in words."""
    return system.finding if found.finding else system.clear


def told(found: PlantedAnswer, truth: bool, system: System) -> str:
    """The same once it may be told."""
    how = "rightly" if found.finding is truth else "wrong on purpose"
    return f"the planted AI said {said(found, system)}, {how}"


def reveal(rows: list[Row], advice: dict[int, PlantedAnswer]) -> None:
    """At the end of a quiz: that the AI was made up, and what it did to this reader."""
    found = bias.laboratory(rows, advice)
    cases = {row.item.id: row for row in rows}.values()
    wrong = sum(advice[row.item.id or 0].finding is not row.item.finding for row in cases)
    st.warning(
        f"**The AI of this quiz was planted.** No model gave its answers: they were made up, and wrong on purpose in "
        f"{wrong} of {words.count(len(cases), 'case')}. It is a laboratory for automation bias: how readily a reader "
        "follows a machine, right or wrong.",
        icon=":material/psychology_alt:",
    )
    if found is None:
        return
    (one,) = found.found.readers
    st.markdown(
        f"Alone you were right in {found.alone_right[0]:.0%}, with the AI in {found.advised_right[0]:.0%}. It mended "
        f"**{one.gained}** of your answers and spoilt **{one.lost}**, of those **{one.followed}** because you followed "
        f"it when it was wrong. Where you disagreed, you came over {taken(one.taken_right)} when it was right and "
        f"{taken(one.taken_wrong)} when it was wrong."
    )


def taken(share: Interval) -> str:
    """How often a reader came over, with the interval where it says something."""
    if not share.n:
        return "never (no such case)"
    times = round(share.value * share.n)
    return f"{times} of {share.n} times ({share.low:.0%} to {share.high:.0%})"
