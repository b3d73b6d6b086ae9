"""A prior that the reader opens beside the study on the screen: images and nothing else, no model is asked about it."""

from __future__ import annotations

import streamlit as st

from core import imaging
from core.errors import OverreadError
from dashboard.kit import cases, messages, room
from dashboard.kit.cases import OpenCase
from dashboard.viewer import beside, component


def upload(case: OpenCase) -> None:
    """The uploader, and the way to take them away again."""
    if not component.ready():
        return
    generation = st.session_state.setdefault("prior-generation", 0)
    files = st.file_uploader(
        "A prior of this patient (optional)",
        accept_multiple_files=True,
        key=f"prior-{case.key}-{generation}",
        help="Laid beside the picture, labelled with its date and linked to it. The models are not asked about it.",
    )
    if files:
        with messages.shown():
            study = imaging.read([(f.name, f.getvalue()) for f in files], give_way=cases.drop_oldest)
            if study.sha256 == case.study.sha256:
                raise OverreadError(
                    "These are the files of the study on the screen.", "Choose those of an earlier one."
                )
            beside.add(case, study.without_answers())
            room.settle(case, cases.drop_oldest)
            st.session_state["prior-generation"] += 1
            st.rerun()
    if case.priors:
        st.button("Take the priors away", icon=":material/close:", on_click=_drop, args=(case,))


def _drop(case: OpenCase) -> None:
    case.priors.clear()
    case.beside = None
