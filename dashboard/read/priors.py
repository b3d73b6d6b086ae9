"""Other examinations of the patient in the archive, laid beside the case: images and nothing else, read or not."""

from __future__ import annotations

import streamlit as st

from core.errors import OverreadError
from core.review import Store
from core.review.opened import opened, title
from core.review.tables import Case as Record
from dashboard.kit import cases, room, words
from dashboard.kit.cases import OpenCase
from dashboard.viewer import beside, component

MOST = 8  # that are offered


def show(store: Store, record: Record, case: OpenCase) -> None:
    """What may be laid beside the case; nothing where the archive knows of no other examination of the patient."""
    assert record.id is not None
    others = store.of_patient(record.id)
    if not others or not component.ready():
        return
    with st.popover("Priors", icon=":material/compare:", help="Other examinations of this patient in the archive"):
        for other in others[:MOST]:
            st.button(
                f"{other.study_date or 'no date'} · {title(other)}",
                key=f"prior-{record.id}-{other.id}",
                on_click=_lay,
                args=(store, other, case),
            )
        if len(others) > MOST:
            st.caption(f"The latest {MOST} of {words.count(len(others), 'case')}.")
        st.caption("Images only: nothing that was said about them, by a reader or a model.")


def _lay(store: Store, other: Record, case: OpenCase) -> None:
    """Read its images, once, and have the viewer lay beside the case what shows most like it."""
    try:
        study = next((one for one in case.priors if one.name == title(other)), None)
        if study is None:
            study = opened(store, other, cases.make_room).study
    except OverreadError as error:
        st.session_state["desk-notice"] = f"{title(other)}: {error.message} {error.remedy}"
        return
    beside.add(case, study)
    room.settle(case, cases.drop_oldest)
