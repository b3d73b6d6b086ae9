"""Keeps the models silent on an image that waits for this reader's own opinion, wherever it is opened."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from core.imaging.study import Study
from core.review import open_store
from core.review.kept.waiting import Pictures, Watched, picture_waits
from core.teaching import held
from dashboard.kit import routes, who, words

_ASKED = "same-pixels"


def stands(study: Study) -> bool:
    """Whether the models must not answer on a study; then says why and shows the way to read it."""
    if held.in_quiz(open_store(), who.number(), study):
        _in_quiz()
        return True
    found = waiting(study)
    if not found:
        return False
    numbers = ", ".join(str(number) for number in found[:5]) + (" and more" if len(found) > 5 else "")
    st.info(
        f"This image waits for your own opinion ({words.count(len(found), 'case')}: {numbers}). "
        "The models answer here once you have locked it.",
        icon=":material/visibility_lock:",
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Read it now", type="primary", icon=":material/visibility:"):
            st.switch_page(routes.READ, query_params={"case": str(found[0])})
        st.button(
            "Open another scan", icon=":material/folder_open:", on_click=st.session_state.pop, args=("case", None)
        )
    return True


def _in_quiz() -> None:
    st.info(
        "This image is a case of a quiz that you have begun. The models answer here once you have been told its truth.",
        icon=":material/visibility_lock:",
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Go on with the quiz", type="primary", icon=":material/school:"):
            st.switch_page(routes.LEARN)
        st.button(
            "Open another scan", icon=":material/folder_open:", on_click=st.session_state.pop, args=("case", None)
        )


def waits(plane: np.ndarray) -> bool:
    """Whether a single picture, ``(height, width)``, waits for this reader's own opinion, or answer in a quiz."""
    return quizzed(plane) or picture_waits(open_store(), plane, who.number())


def quizzed(plane: np.ndarray) -> bool:
    """Whether a single picture is a case of a quiz that this person has begun and not been told the truth of."""
    return held.picture_in_quiz(open_store(), who.number(), plane)


def named_waits(name: str, plane: Callable[[], np.ndarray]) -> bool:
    """:func:`waits` for a picture that is asked about again and again.

    Args:
        name: tells it from all other pictures. plane: reads its pixels.
    """
    kept: Pictures = st.session_state.setdefault("pictures-waiting", Pictures())
    return kept.wait(open_store(), name, plane, who.number()) or quizzed(plane())


def any_waits(study: Study) -> bool:
    """Whether an image of a study waits for this reader's own opinion, or answer in a quiz."""
    return held.in_quiz(open_store(), who.number(), study) or bool(waiting(study))


def forget() -> None:
    """Let go the study that was asked about last."""
    st.session_state.pop(_ASKED, None)


def waiting(study: Study) -> list[int]:
    """Cases that hold an image of a study and wait for this reader's own opinion."""
    kept: Watched | None = st.session_state.get(_ASKED)
    if kept is None or kept.study.sha256 != study.sha256:
        kept = Watched(study)
        st.session_state[_ASKED] = kept
    return kept.waiting(open_store(), who.number())
