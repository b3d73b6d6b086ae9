"""The viewer over an open case: what Review, Read and Arbitration share. Where the client cannot draw, pages draw."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.imaging.series_names import names_of
from core.imaging.study import Window
from core.preprocessing import windows
from dashboard.kit import controls, messages, slices
from dashboard.kit.cases import OpenCase
from dashboard.viewer import component
from dashboard.viewer.component import Marking, Pictured
from dashboard.viewer.overlays import Overlay

MOST_BESIDE = 4
MOST_PIXELS_BESIDE = 60_000_000  # of one series that may be laid beside or over another


def view(case: OpenCase, key: str) -> controls.View:
    """How the reader sees the case, for pictures that the server draws: the window that the client told last."""
    told = (st.session_state.get(_state(case, key)) or {}).get("view")
    start = controls.offered(case.series, case.system)[0]
    if not told:
        return controls.View(start, False, controls.NONE, 0.5)
    window = Window(float(told["centre"]), float(told["width"]), function=start.function, curve=start.curve)
    return controls.View(window, bool(told["inverted"]) != windows.shown_inverted(case.series), controls.NONE, 0.5)


def show(
    case: OpenCase,
    *,
    key: str,
    overlays: Sequence[Overlay] = (),
    height: str = "70vh",
    marking: Marking | None = None,
) -> None:
    """Show the series on the screen; keeps the slice in view and the measurements with the case.

    Args:
        key: which place on which page.
        overlays, height, marking: see :func:`dashboard.viewer.component.show`.
    """
    series, number, called = case.series, case.series_index, names(case)

    def moved(to: int) -> None:
        case.chosen_slices[number] = min(max(to, 0), series.slices - 1)

    component.show(
        series,
        key=f"{key}-{case.key}-{number}",
        token_owner=f"{key} {case.key}",
        name=called[number],
        presets=controls.offered(series, case.system),
        overlays=overlays,
        start=slices.index(case),
        go_to=(case.moves, slices.index(case)),
        height=height,
        measures=case.measured,
        marking=marking,
        others=[Pictured(case.study.series[other], called[other]) for other in _beside(case)],
        on_slice=moved,
        on_measures=lambda found: case.measure(series.key, found),
    )
    if case.unkept is not None:
        messages.show(case.unkept)


def _state(case: OpenCase, key: str) -> str:
    return f"reader-{key}-{case.key}-{case.series_index}"


def names(case: OpenCase) -> list[str]:
    """What the series are called. A case of the store has its number where nothing but a file's name is known: that
    could be looked up among published cases."""
    series = case.study.series
    told = list(names_of(series))
    for number, one in enumerate(series):
        if told[number] == one.description and (case.record is not None or len(series) == 1):
            told[number] = case.study.name + (f", {number + 1} of {len(series)}" if len(series) > 1 else "")
    return told


def _beside(case: OpenCase) -> list[int]:
    others = [n for n, s in enumerate(case.study.series) if n != case.series_index and not s.by_algorithm]
    return [n for n in others if case.study.series[n].pixels.size <= MOST_PIXELS_BESIDE][:MOST_BESIDE]
