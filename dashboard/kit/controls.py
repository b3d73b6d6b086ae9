"""How the slice is shown: window, inversion, overlay and its opacity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.engine.results import ModelResult
from core.imaging.study import Modality, Series, Unit, Window
from core.preprocessing import windows
from core.systems import SYSTEMS
from dashboard.kit import words
from dashboard.kit.cases import OpenCase

NONE, HEAT, MASK, TRUTH, AI_RESULT = "none", "heat map", "mask", "truth", "AI result"


@dataclass(frozen=True)
class View:
    """What the reviewer chose to see. ``model`` is whose overlay: ``None`` for all masks, or the surest heat map."""

    window: Window
    invert: bool
    overlay: str
    opacity: float
    model: str | None = None


def show(case: OpenCase, *, overlays: bool = True) -> View:
    """Draw the controls of the image and return what they say.

    Args:
        overlays: whether there can be anything to lay over the image; false where no model may answer.
    """
    stem = f"{case.key}-{case.series_index}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="view-controls"):
        window = _window(case, stem)
        overlay, model, opacity = NONE, None, 0
        if overlays:
            overlay = _overlay(case, stem)
            model = _model(case, overlay, stem)
            opacity = st.slider(
                "Opacity",
                0,
                100,
                50,
                5,
                key=f"opacity-{stem}",
                format="%d %%",
                width=80,
                disabled=overlay == NONE,
                label_visibility="collapsed",
            )
        invert = st.toggle("Invert", key=f"invert-{stem}")
    return View(window, invert, overlay, opacity / 100, model)


def grey(series: Series, index: int, view: View) -> np.ndarray:
    """The slice as 8-bit grey levels, bright and dark as the format asks, then as the reviewer does."""
    return windows.to_display(series.pixels[index], view.window, invert=view.invert != windows.shown_inverted(series))


def contrast(series: Series) -> Window:
    """Window from the 1st to the 99.5th percentile of the values, whatever their unit."""
    return windows.percentile_window(series, "auto 99.5 %")


def offered(series: Series, system: str | None) -> tuple[Window, ...]:
    """Windows to choose from, the one to begin with first.

    An 8-bit MR picture often uses the lower third of its range, and looks black at full range: it begins with the
    percentiles. This is how it is drawn; the models get the pixels as they are stored.
    """
    presets = windows.presets(series)
    mr = series.modality is Modality.MR or (
        series.modality is Modality.UNKNOWN and system is not None and SYSTEMS[system].modalities == {Modality.MR}
    )
    if mr and series.unit is Unit.GREY and presets[0].name == "full range":
        return (contrast(series), *presets)
    # The automatic window of a series in arbitrary units is these very percentiles.
    return presets if presets[-1].name == "automatic" else (*presets, contrast(series))


def _window(case: OpenCase, stem: str) -> Window:
    series = case.series
    named = {w.name: w for w in offered(series, case.system)}
    low, high = _span(series)
    start = next(iter(named.values()))
    level_key, width_key, name_key = f"level-{stem}", f"width-{stem}", f"preset-{stem}"
    st.session_state.setdefault(level_key, _within(start.centre, low, high))
    st.session_state.setdefault(width_key, _within(start.width, 0.0, high - low))

    def take() -> None:
        chosen = named[st.session_state[name_key]]
        st.session_state[level_key] = _within(chosen.centre, low, high)
        st.session_state[width_key] = _within(chosen.width, 0.0, high - low)

    preset = st.selectbox("Window", list(named), key=name_key, on_change=take, width=130, label_visibility="collapsed")
    step = _step(high - low)
    with st.popover("L / W", help="Level and width"):
        st.button("Back to preset", key=f"reset-{stem}", on_click=take)
        centre = st.slider("Level", low, high, step=step, key=level_key)
        width = st.slider("Width", step, high - low, step=step, key=width_key)
        if any(name.startswith("auto") for name in named):
            st.caption("Automatic: 1st to 99.5th percentile. Display only; the models get the pixels as stored.")
        if series.unit is not Unit.HU:
            st.caption("CT presets need Hounsfield units; this series is in " + str(series.unit) + ".")
    # the chosen preset's function goes with it: level and width move and stretch it
    return replace(named.get(preset or "", start), centre=centre, width=max(width, step), name="")


def _overlay(case: OpenCase, stem: str) -> str:
    review = case.review
    offered = [NONE]
    if review and review.ready:
        offered.append(HEAT)
    if review and any(r.mask is not None for r in review.ready):
        offered.append(MASK)
    if case.series.truth is not None:
        offered.append(TRUTH)
    if case.series.ai_result is not None:
        offered.append(AI_RESULT)
    key = f"overlay-{stem}"
    if st.session_state.get(key) not in (*offered, None):
        st.session_state[key] = NONE
    if len(offered) == 1:
        return NONE
    chosen = st.segmented_control(
        "Overlay", offered, default=NONE, required=True, key=key, label_visibility="collapsed"
    )
    return chosen or NONE


def _model(case: OpenCase, overlay: str, stem: str) -> str | None:
    """Whose overlay, where several models have one."""
    ready: tuple[ModelResult, ...] = case.review.ready if case.review else ()
    if overlay == MASK:
        ready = tuple(r for r in ready if r.mask is not None)
    if overlay not in (HEAT, MASK) or len(ready) < 2:
        return ready[0].state.name if overlay in (HEAT, MASK) and ready else None
    short = words.short_titles([r.state.title for r in ready])
    names = {r.state.name: short[r.state.title] for r in ready}
    every = "all models" if overlay == MASK else "the surest"
    chosen: str | None = st.selectbox(
        "Of",
        [None, *names],
        format_func=lambda name: names[name] if name else every,
        key=f"overlay-of-{overlay}-{stem}",
        width=115,
        label_visibility="collapsed",
    )
    return chosen


def _span(series: Series) -> tuple[float, float]:
    """Range of the sliders: the stored values, widened so that every preset fits."""
    edges = [
        e
        for w in (*windows.presets(series), contrast(series))
        for e in (w.centre - w.width / 2, w.centre + w.width / 2)
    ]
    low = min(float(series.pixels.min()), *edges)
    high = max(float(series.pixels.max()), *edges)
    return low, max(high, low + 1e-3)


def _within(value: float, low: float, high: float) -> float:
    return float(min(max(value, low), high))


def _step(span: float) -> float:
    return 1.0 if span > 100 else span / 200
