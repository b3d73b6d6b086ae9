"""Marks on the image: set by pointer on the slice or by numbers, listed, taken back."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard.kit import slices
from dashboard.kit.cases import OpenCase
from dashboard.read import marker
from dashboard.read.form import Form
from dashboard.viewer.component import Marking
from dashboard.viewer.marks import mark

MOST = 40


def marking(form: Form) -> Marking:
    """The form's marks in the viewer, where they are set, moved and taken away."""
    return Marking(form.marks, lambda found: form.change(marks=found), MOST)


def board(form: Form, case: OpenCase, picture: np.ndarray, index: int, alt: str) -> None:
    """The slice to mark on, in place of the simple viewer."""

    def add(place: dict[str, float]) -> None:
        form.change(marks=[*form.marks, mark(place, index)][:MOST])

    marker.image(
        picture,
        case.series.shape,
        on_slice(form, index),
        key=f"{form.case_id}-{form.stage}-{case.series_index}",
        alt=alt,
        on_mark=add,
    )
    st.caption(marker.HELP)


def listed(form: Form, case: OpenCase) -> None:
    """Marks so far, each with its slice; and the way to set one without a pointer."""
    for number, one in enumerate(form.marks):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{number + 1}. {describe(one, case.series.slices)}", width="stretch")
            if case.series.slices > 1:
                st.button(
                    "Show",
                    key=f"mark-show-{form.case_id}-{form.stage}-{number}",
                    on_click=slices.go,
                    args=(case, int(one["slice"])),
                )
            st.button(
                "Remove",
                key=f"mark-drop-{form.case_id}-{form.stage}-{number}",
                on_click=_drop,
                args=(form, number),
            )
    with st.popover("Mark by numbers", icon=":material/keyboard:"):
        _numbers(form, case)


def on_slice(form: Form, index: int) -> list[dict[str, Any]]:
    """The marks of one slice."""
    return [one for one in form.marks if one["slice"] == index]


def describe(one: dict[str, Any], total: int) -> str:
    """A mark in words."""
    where = f"slice {one['slice'] + 1}, " if total > 1 else ""
    at = f"{where}column {one['x']:g}, row {one['y']:g}"
    return f"Box at {at}: {one['width']:g} × {one['height']:g} pixels" if one["kind"] == "box" else f"Point at {at}"


def _drop(form: Form, number: int) -> None:
    form.change(marks=[one for n, one in enumerate(form.marks) if n != number])


def _numbers(form: Form, case: OpenCase) -> None:
    height, width = case.series.shape
    stem = f"mark-{form.case_id}-{form.stage}"
    st.number_input("Column", 0, width - 1, width // 2, key=f"{stem}-x")
    st.number_input("Row", 0, height - 1, height // 2, key=f"{stem}-y")
    st.number_input("Width (0: a point)", 0, width, 0, key=f"{stem}-w")
    st.number_input("Height (0: a point)", 0, height, 0, key=f"{stem}-h")
    st.button("Add", key=f"{stem}-add", on_click=_add, args=(form, case, stem))


def _add(form: Form, case: OpenCase, stem: str) -> None:
    """By the numbers as they are now: a click right after the last digit comes before the page was drawn with it."""
    height, width = case.series.shape
    x, y, across, down = (st.session_state[f"{stem}-{name}"] for name in "xywh")
    place = {"x": float(x), "y": float(y)}
    if across and down:
        place |= {"width": float(min(across, width - x)), "height": float(min(down, height - y))}
    form.change(marks=[*form.marks, mark(place, slices.index(case))][:MOST])
