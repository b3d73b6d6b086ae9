"""The viewer over an open case: what Review, Read and Arbitration share. Where the client cannot draw, pages draw."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.imaging.study import Window
from core.preprocessing import windows
from dashboard.kit import controls, messages, slices
from dashboard.kit.cases import OpenCase
from dashboard.viewer import beside, component
from dashboard.viewer.component import Marking
from dashboard.viewer.overlays import Overlay
from dashboard.viewer.suspicion import Suspicion


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
    along: Suspicion | None = None,
    height: str = "70vh",
    marking: Marking | None = None,
) -> None:
    """Show the series on the screen; keeps the slice in view and the measurements with the case.

    Args:
        key: which place on which page.
        overlays, along, height, marking: see :func:`dashboard.viewer.component.show`.
    """
    series, number, laid = case.series, case.series_index, beside.of_case(case)
    others = [one.pictured(case) for one in laid]
    asked, key_beside = case.beside or (0, "")

    def moved(to: int) -> None:
        case.chosen_slices[number] = min(max(to, 0), series.slices - 1)

    component.show(
        series,
        key=f"{key}-{case.key}-{number}",
        token_owner=f"{key} {case.key}",
        name=beside.names(case.study, kept=case.record is not None)[number],
        presets=controls.offered(series, case.system),
        overlays=overlays,
        along=along,
        start=slices.index(case),
        go_to=(case.moves, slices.index(case)),
        height=height,
        measures=case.measured,
        marking=marking,
        others=others,
        lay=(asked, next((n for n, one in enumerate(laid) if one.series.key == key_beside), None)),
        on_slice=moved,
        on_measures=lambda of, found: case.measure(of.key, found),
    )
    if case.unkept is not None:
        messages.show(case.unkept)


def _state(case: OpenCase, key: str) -> str:
    return f"reader-{key}-{case.key}-{case.series_index}"
