"""A picture of a set in the viewer, among the other slices of its patient, with its true outline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.audit.browse import Entry
from core.errors import OverreadError
from core.imaging.series_names import names_of
from core.imaging.study import Modality, Series, Study, Unit
from dashboard.dataset.data import Shown
from dashboard.kit import blinding, controls, messages
from dashboard.viewer import component, overlays


@dataclass(frozen=True, eq=False)
class Stack:
    """The series that holds a picture, and the picture's slice in it."""

    study: Study | None
    series: Series
    name: str
    place: int


def show(found: Shown, entry: Entry, *, key: str, owner: str, height: str, fallback: Callable[[], None]) -> None:
    """Show a picture.

    Args:
        key: which place on which page. owner: whose addresses the page's viewers share, see ``component.show``.
        height: in CSS. fallback: draws where the client cannot.
    """
    if not component.ready():
        fallback()
        component.note()
        return
    stack = _stack(found.key, entry.name, found, entry)
    if stack.study is not None and blinding.any_waits(stack.study):
        stack = _alone(found.key, entry.name, found, entry)
    series = stack.series
    state = f"picture-went-{key}"
    last, moves = st.session_state.get(state, ("", 0))
    if last != entry.name:  # chosen in the list: the viewer goes there, once
        moves += 1
        st.session_state[state] = entry.name, moves
    truth = [] if series.truth is None else [replace(overlays.of_truth(series.truth, on=True), id=f"truth {key}")]
    component.show(
        series,
        key=f"{key}-{found.key}-{series.key}",
        token_owner=owner,
        name=stack.name,
        presets=controls.offered(series, found.system or None),
        overlays=truth,
        start=stack.place,
        go_to=(moves, stack.place),
        height=height,
    )


@st.cache_resource(show_spinner=False, max_entries=3)
def _stack(key: str, name: str, _found: Shown, _entry: Entry) -> Stack:
    """Read as the Review page reads it; where that fails, the picture by itself."""
    try:
        study, number, place = _found.pictures.study(_entry)
    except OverreadError as error:
        messages.LOG.warning("a picture of %s is shown by itself: %s", _found.pictures.name, type(error).__name__)
        return _alone(key, name, _found, _entry)
    series = study.series[number]
    named = names_of(study.series)[number]
    return Stack(study, series, _entry.name if named == series.description else named, place)


@st.cache_resource(show_spinner=False, max_entries=6)
def _alone(key: str, name: str, _found: Shown, _entry: Entry) -> Stack:
    pixels, mask = _found.pictures.pixels(_entry), _found.pictures.mask(_entry)
    whole = pixels.dtype == np.uint8
    series = Series(
        key=name,
        description=name,
        pixels=np.asarray(pixels, dtype=np.float32)[None],
        unit=Unit.GREY if whole else Unit.ARBITRARY,
        modality=Modality.UNKNOWN,
        value_range=(0.0, 255.0) if whole else None,
        truth=None if mask is None else np.asarray(mask, dtype=bool)[None],
    )
    return Stack(None, series, name, 0)
