"""A case with its truth: what was right, what the truth is, what the models say, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.engine import measure
from core.review import Store
from core.review.tables import QuizAnswer
from core.systems import SYSTEMS
from core.systems.declaration import System
from core.teaching import advice
from core.teaching.blinding import Shown
from core.teaching.rules import Stage
from core.teaching.scoring import points, right
from dashboard.kit import address, controls, jobs, slices, who, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.learn import case as quiz_case
from dashboard.learn import planted
from dashboard.review import answers as model_answers
from dashboard.review import drawn_models, heat_maps, panels, reading, screen
from dashboard.viewer import component, desk
from dashboard.viewer.component import Marking


def show(store: Store, attempt: int, shown: Shown, leave: Callable[[], None], *, more: bool) -> None:
    """The case, told.

    Args:
        leave: draws the way out. more: whether cases are still to be answered.
    """
    case = quiz_case.told(attempt, shown)
    if shown.models:
        jobs.ensure(case, engine())
        jobs.soon(case)
        jobs.page_begins(case)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="quiz-head"):
        st.html(
            f"<h1 style='font-size:1.35rem;margin:0;padding:0'>Case {shown.place} of {shown.total}: the truth</h1>",
            width="stretch",
        )
        leave()
        st.button(
            "Next case" if more else "To your results",
            type="primary",
            icon=":material/skip_next:",
            on_click=address.go,
            kwargs={"look": None},
        )
    _verdict(shown)
    _body(store, shown, case)


def _verdict(shown: Shown) -> None:
    """In one line what the learner wants to know first."""
    system, item = SYSTEMS[shown.item.system], shown.item
    for answer in shown.answers:
        good = right(answer, item)
        told = [said(answer, system), f"{points(answer.finding, answer.confidence, item.finding):.0f} points"]
        told += place(answer)
        if answer.late:
            told = [*told[:1], "too late: no points", *place(answer)]
        sign, colour = (":material/check_circle:", "green") if good else (":material/cancel:", "orange")
        stage = Stage(answer.stage).in_words(planted=shown.planted is not None)
        when = f"**{stage[0].upper()}{stage[1:]}** · " if len(shown.answers) > 1 else ""
        st.markdown(f":{colour}[{sign}] {when}**{'Right' if good else 'Not right'}**: " + words.plain(" · ".join(told)))
    made_up = "" if shown.planted is None else f" · {planted.told(shown.planted, item.finding, system)}"
    st.markdown(f":material/flag: The truth: **{words.plain(truth(shown, system))}**{words.plain(made_up)}")


def said(answer: QuizAnswer, system: System) -> str:
    """An answer in words."""
    if answer.finding is None:
        return "no answer in time"
    what = system.finding if answer.finding else system.clear
    named = f" ({answer.label})" if answer.label and answer.label not in what else ""
    return f"you said {what}{named}, {answer.confidence} % sure"


def place(answer: QuizAnswer) -> list[str]:
    """Where the marks and the outline were, in words."""
    told = []
    unit = "mm" if answer.unit == "mm" else "pixels"
    if answer.found is not None and answer.distance is not None:
        how = f"{answer.distance:.0f} {unit} from its middle"
        told.append(f"you found it, {how}" if answer.found else f"your mark is {how}: beside it")
    if answer.false_marks and answer.found is not False:
        told.append(f"{words.count(answer.false_marks, 'mark')} where nothing is")
    if answer.dice is not None:
        told.append(f"outline: Dice {answer.dice:.2f}")
    return told


def truth(shown: Shown, system: System) -> str:
    """The truth in words."""
    item = shown.item
    what = system.finding if item.finding else f"no {system.finding}"
    return f"{what} ({item.label})" if item.label and item.label not in what else what


@st.fragment
def _body(store: Store, shown: Shown, case: OpenCase) -> None:
    who.touch()
    jobs.look(case)
    index = slices.index(case)
    left, right = st.columns([13, 8], gap="small")
    with left, st.container(gap="xsmall"):
        view = _picture(shown, case, index)
    with right, st.container(key="desk-rail", gap="small"):
        _explanation(shown)
        if shown.models:
            _models(store, shown, case, index, view)


def _picture(shown: Shown, case: OpenCase, index: int) -> controls.View:
    if component.ready():
        with st.container(key="reader"):
            st.html("<i class='told'></i>")
            marks = [dict(mark, label=f"{n + 1}") for n, mark in enumerate(_marks(shown))]
            desk.show(
                case,
                key="learn-told",
                overlays=screen.layers(case),
                along=drawn_models.along(case),
                height=reading.ROOM,
                marking=Marking(marks),
            )
        return desk.view(case, "learn-told")
    component.note()
    view = controls.show(case)
    screen.show(case, index, view)
    slices.controls(case)
    return view


def _marks(shown: Shown) -> list[dict[str, Any]]:
    return list(shown.answers[-1].marks) if shown.answers else []


def _explanation(shown: Shown) -> None:
    """What there is to see: the teacher's words, what was drawn, how large it is."""
    st.markdown("##### What there is to see")
    found = shown.material
    if shown.item.note:
        st.markdown(words.plain(shown.item.note))
    if found.note:
        st.markdown(words.plain(found.note))
    mask, series = found.series.truth, found.series
    if mask is not None and mask.any():
        on = [n + 1 for n in range(series.slices) if mask[n].any()]
        where = f"slices {on[0]} to {on[-1]}" if len(on) > 1 else f"slice {on[0]}" if series.slices > 1 else ""
        largest = mask[int(mask.sum(axis=(1, 2)).argmax())]
        size = f"largest area {measure.area_mm2(largest, series).text}"
        st.caption("Outlined in dashed red" + "".join(f", {part}" for part in (where, size) if part) + ".")
    elif not found.finding:
        st.caption("There is nothing to outline.")
    if found.simulated:
        st.caption("Simulated: drawn by a computer, not a patient.")


def _models(store: Store, shown: Shown, case: OpenCase, index: int, view: controls.View) -> None:
    names = ["Models", "Heat maps", "Masks"]
    tabs = st.tabs(names, key=f"told-{case.key}", on_change="rerun")
    review, system = case.review, SYSTEMS[shown.item.system]
    for name, tab in zip(names, tabs, strict=True):
        if not tab.open:
            continue
        with tab:
            if name == "Models":
                model_answers.show(case, system, index)
            elif review is None or not review.complete:
                why = "" if jobs.running(case) else " See under Models why not."
                st.caption(f"Follows when every slice has been answered.{why}")
                jobs.wait_elsewhere(case)
            elif name == "Heat maps":
                heat_maps.show(case, review, system, index, view)
            elif panels.segmenters(review):
                panels.show(case, review, index, view)
            else:
                st.caption("No model of this system outlines anything.")
    if review is not None and review.complete and not case.held_back:
        _keep(store, shown, case)


def _keep(store: Store, shown: Shown, case: OpenCase) -> None:
    """Keep what the models said, for the curves, once."""
    done = f"kept-scores-{shown.item.id}"
    if st.session_state.get(done) or case.review is None:
        return
    advice.keep(store, advice.of_review(shown.item.id or 0, case.review))
    st.session_state[done] = True
