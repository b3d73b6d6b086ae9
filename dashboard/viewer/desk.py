"""The viewer over an open case: what Review, Read and Arbitration share. Where the client cannot draw, pages draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.imaging.study import Series, Window
from core.preprocessing import windows
from dashboard.kit import controls, slices
from dashboard.kit.cases import OpenCase
from dashboard.viewer import component
from dashboard.viewer.component import Pictured
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
    marks: Sequence[Mapping[str, Any]] = (),
    marking: bool = False,
    on_mark: Callable[[dict[str, float]], None] | None = None,
) -> None:
    """Show the series on the screen; keeps the slice in view and the measurements with the case.

    Args:
        key: which place on which page.
        overlays, height, marks, marking, on_mark: see :func:`dashboard.viewer.component.show`.
    """
    series, number = case.series, case.series_index

    def moved(to: int) -> None:
        case.chosen_slices[number] = min(max(to, 0), series.slices - 1)

    component.show(
        series,
        key=f"{key}-{case.key}-{number}",
        token_owner=f"{key} {case.key}",
        presets=controls.offered(series, case.system),
        overlays=overlays,
        start=slices.index(case),
        go_to=(case.moves, slices.index(case)),
        height=height,
        measures=case.measures.get(number, ()),
        marks=marks,
        marking=marking,
        others=[Pictured(other, other.description) for other in _beside(case)],
        on_slice=moved,
        on_measures=lambda found: case.measures.__setitem__(number, found),
        on_mark=on_mark,
    )


def _state(case: OpenCase, key: str) -> str:
    return f"reader-{key}-{case.key}-{case.series_index}"


def _beside(case: OpenCase) -> list[Series]:
    others = [s for n, s in enumerate(case.study.series) if n != case.series_index and not s.by_algorithm]
    return [s for s in others if s.pixels.size <= MOST_PIXELS_BESIDE][:MOST_BESIDE]
