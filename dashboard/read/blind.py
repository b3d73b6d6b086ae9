"""Reading before the models are asked: the images and the reader's own answer, nothing else."""

from __future__ import annotations

import streamlit as st

from core.errors import OverreadError
from core.review import Stage, Store
from core.review.tables import Case as Record
from dashboard.kit import address, controls, messages, render, slices, viewer, who, words
from dashboard.kit.cases import OpenCase
from dashboard.read import case as read_case
from dashboard.read import form as read_form
from dashboard.read import marks as read_marks
from dashboard.read.form import Form
from dashboard.review import reading
from dashboard.viewer import component, desk

HELP = """
**Why blind.** Readers who see a machine's answer first follow its mistakes, at every level of experience. So you answer
first, and lock; then the models' answers, heat maps and masks appear, and you may change your mind in a final opinion.
Both are kept, with times.

**How it is kept blind.** What the models said about a case is not sent to your browser, and not worked out for your
session, before the store has your locked opinion: reloading, another tab, another address or the Review page change
nothing. While a case waits for your opinion

- the Review page refuses the same image, also renamed, zipped or saved again without loss;
- its recorded diagnosis, file name and patient are hidden: next to its place on the worklist the recorded diagnosis
  would give away what the models think, and a name could be looked up among the published test cases;
- reports and downloads leave it out.

Other examinations of the patient (*Priors*) are images only, whoever has read them. What you measure is yours alone
until the opinion that it belongs to is locked, and is closed with that one.

A lead may look at a case without reading it; that is recorded, and that lead cannot read it blind any more.
A picture changed in its pixels (a photograph of the screen) is not recognised: this guards against habit and accident,
not against somebody who means to cheat.
"""


@st.fragment
def show(store: Store, record: Record, case: OpenCase, reader: int) -> None:
    """Viewer on the left, the form on the right. One fragment: scrolling redraws this part only."""
    who.touch()
    assert record.id is not None
    form = read_form.of(store, record.id, reader, Stage.BLIND)
    form.looked()
    address.keep(slice=slices.index(case) + 1 if case.series.slices > 1 else None)
    left, right = st.columns([13, 8], gap="small")
    with left, st.container(gap="xsmall"):
        if component.ready():
            with st.container(key="reader"):
                desk.show(case, key="read", height=reading.ROOM, marking=read_marks.marking(form))
        else:
            _images(form, case)
        component.note()
    with right, st.container(key="desk-rail", gap="small"):
        st.markdown("##### Your opinion, before the models'")
        read_form.show(form, case)
        if form.marks:
            st.markdown("**Marks**")
        read_marks.listed(form, case)
        lock(form, case, "Lock my opinion and show the models")
        st.caption(
            "Kept as a draft while you write: a reload loses nothing. Once locked, nobody can change it, "
            "nor can you: a change of mind goes into the final opinion."
        )


def lock(form: Form, case: OpenCase, label: str) -> None:
    """The button that makes the draft an opinion; says what is missing."""
    wanting = read_form.missing(form, case)
    pressed = st.button(
        label,
        key=f"lock-{form.case_id}-{form.stage}",
        type="primary",
        icon=":material/lock:",
        disabled=bool(wanting),
        help=f"Still to say: {', '.join(wanting)}." if wanting else None,
        width="stretch",
    )
    if pressed and not wanting:
        try:
            form.lock()
        except OverreadError as error:
            messages.show(error)
            return
        st.rerun()
    if wanting:
        st.caption(f"Still to say before you can lock: {', '.join(wanting)}.")


def _images(form: Form, case: OpenCase) -> None:
    index = slices.index(case)
    view = controls.show(case, overlays=False)
    marking = st.toggle("Mark on the image", key=f"marking-{form.case_id}", help="Show where the finding is.")
    series = case.series
    number = f"{index + 1} / {series.slices}"
    picture = render.picture(controls.grey(series, index, view), render.display_size(series))
    alt = f"{read_case.title_of(form.case_id)}, slice {index + 1} of {series.slices}"
    if marking:
        read_marks.board(form, case, picture, index, alt)
    else:
        viewer.image(
            picture,
            series,
            key=f"read-{case.key}-{case.series_index}",
            alt=alt,
            corner_left=words.corner(view.window, series),
            corner_right=f"{number}\n{series.plane or ''}",
            on_step=lambda by: slices.step(case, by),
        )
    slices.controls(case)
