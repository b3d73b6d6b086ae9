"""One case before the arbiter: images, what was recorded, what the readers said by number; no model's answer."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import OverreadError
from core.review import Radpeer, Sided, Store
from core.review.tables import Case as Record
from core.review.tables import Opinion
from core.systems import SYSTEMS
from dashboard.kit import controls, messages, render, slices, viewer, who, words
from dashboard.kit.cases import OpenCase
from dashboard.read import case as read_case
from dashboard.read import form, marker, priors, reveal
from dashboard.review import reading
from dashboard.viewer import component
from dashboard.viewer import desk as viewer_desk
from dashboard.viewer.component import Marking

SIDED = {
    Sided.RECORDED: "the recorded diagnosis",
    Sided.REVIEWER: "the second reader",
    Sided.BOTH: "both: they agree in what matters",
    Sided.NEITHER: "neither",
}


def show(store: Store, record: Record, case: OpenCase, arbiter: int) -> None:
    """Images on the left; statements and the form for the truth on the right."""
    with (
        st.container(key="study-head"),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        title = words.cell(read_case.title(record))
        st.html(f"<h1 style='font-size:1.35rem;margin:0;padding:0'>{title}</h1>", width="stretch")
        priors.show(store, record, case)
        st.button("Back to the queue", icon=":material/arrow_back:", on_click=read_case.choose, args=(None,))
    left, right = st.columns([13, 8], gap="small")
    with left, st.container(gap="xsmall"):
        _images(store, record, case, arbiter)
    with right, st.container(key="desk-rail", gap="small"):
        _statements(store, record, case, arbiter)
        _truth(store, record, case, arbiter)


@st.fragment
def _images(store: Store, record: Record, case: OpenCase, arbiter: int) -> None:
    who.touch()
    if component.ready():
        with st.container(key="reader"):
            viewer_desk.show(case, key="arbitration", height=reading.ROOM, marking=_marking(store, record, arbiter))
        return
    component.note()
    series, index = case.series, slices.index(case)
    view = controls.show(case, overlays=False)
    picture = render.picture(controls.grey(series, index, view), render.display_size(series))
    alt = f"{read_case.title(record)}, slice {index + 1} of {series.slices}"
    marks = [m for o in _opinions(store, record, arbiter) for m in o.marks if m["slice"] == index]
    drawn = bool(marks) and st.toggle("Readers' marks", value=True, key=f"arbiter-marks-{record.id}")
    if drawn:
        marker.image(picture, series.shape, marks, key=f"arbiter-{record.id}", alt=alt, on_mark=lambda _: None)
    else:
        viewer.image(
            picture,
            series,
            key=f"arbiter-{case.key}",
            alt=alt,
            corner_left=words.corner(view.window, series),
            corner_right=f"{index + 1} / {series.slices}\n{series.plane or ''}",
            on_step=lambda by: slices.step(case, by),
        )
    slices.controls(case)


def _marking(store: Store, record: Record, arbiter: int) -> Marking:
    """What the readers marked, with each one's number; what stands in both opinions of a reader once."""
    found: list[dict[str, Any]] = []
    for opinion in _opinions(store, record, arbiter):
        labelled = (dict(mark, label=f"reader {opinion.reader}") for mark in opinion.marks)
        found += [mark for mark in labelled if mark not in found]
    return Marking(found)


def _opinions(store: Store, record: Record, arbiter: int) -> list[Opinion]:
    assert record.id is not None
    return store.opinions(record.id, arbiter)


def _statements(store: Store, record: Record, case: OpenCase, arbiter: int) -> None:
    assert record.id is not None
    st.markdown("##### What was said")
    recorded = reveal.answer(bool(record.recorded_finding), record.recorded_label, record.system)
    by = f" (reader R{record.recorded_reader})" if record.recorded_reader else ""
    st.markdown(f"Recorded{by}: **{words.plain(recorded)}**")
    if record.recorded_text:
        st.caption(words.plain(record.recorded_text))
    for opinion in _opinions(store, record, arbiter):
        st.markdown(f"Reader {opinion.reader}: {reveal.said(opinion, case)}")
        if opinion.comment:
            st.caption(words.plain(opinion.comment))
    for reader, by_series in store.measured_by_others(record.id, arbiter).items():
        lines = "; ".join(
            f"{one['kind']}, slice {one['slice'] + 1}: {one['text']}" for one in by_series.get(case.series.key, ())
        )
        if lines:
            st.caption(f"Measured by reader {reader}: {words.plain(lines)}")
    for review in store.peer_reviews(record.id):
        score = reveal.SCORES[Radpeer(review.score)]
        st.markdown(f"Peer review by reader {review.reader}: {score}")
        if review.comment:
            st.caption(words.plain(review.comment))
    st.caption(
        "The models' answers are left out: the truth recorded here judges them later, so it must not rest on them."
    )


def _truth(store: Store, record: Record, case: OpenCase, arbiter: int) -> None:
    assert record.id is not None
    settled = store.adjudication(record.id)
    st.markdown("##### The truth, as far as it can be told")
    if settled is not None:
        said = reveal.answer(settled.finding, settled.label, record.system)
        st.markdown(f":material/balance: **{words.plain(said)}**, agreeing with {SIDED[Sided(settled.sided)]}.")
        if not settled.independent:
            st.caption("The arbiter had read the case too (a store with a single user): not an independent third look.")
        return
    system = SYSTEMS[case.system] if case.system else None
    said_of = {True: system.finding if system else "a finding", False: system.clear if system else "no finding"}
    finding = st.segmented_control(
        "Truth", [False, True], format_func=said_of.__getitem__, key=f"truth-{record.id}", width="stretch"
    )
    offered = form.labels(case, finding)
    label = offered[0] if len(offered) == 1 else None
    if len(offered) > 1:
        label = st.segmented_control("Class", offered, key=f"truth-label-{record.id}-{finding}")
    sided = st.radio(
        "It agrees with", list(SIDED), format_func=SIDED.__getitem__, index=None, key=f"truth-sided-{record.id}"
    )
    comment = st.text_area("What settles it (optional)", key=f"truth-comment-{record.id}", height=80, max_chars=2000)
    ready = finding is not None and sided is not None and (label is not None or not offered)
    pressed = st.button("Record the truth", type="primary", icon=":material/balance:", disabled=not ready)
    if pressed and ready:
        assert finding is not None
        assert sided is not None
        try:
            store.adjudicate(record.id, arbiter, finding=finding, label=label, sided=sided, comment=comment)
        except OverreadError as error:
            messages.show(error)
            return
        st.rerun()
