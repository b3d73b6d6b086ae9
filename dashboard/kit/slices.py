"""Which slice is on the screen: slider, step buttons with keys, and the jump to the most suspicious one."""

from __future__ import annotations

import streamlit as st

from dashboard.kit.cases import OpenCase


def index(case: OpenCase) -> int:
    """The slice on the screen, from 0: the middle one, of several sides the front, until the reviewer chooses another.

    Nothing else ever moves it.
    """
    chosen = case.chosen_slices.get(case.series_index)
    first = case.series.slices // 2 if case.series.turned is None else 0
    return first if chosen is None else min(chosen, case.series.slices - 1)


def go(case: OpenCase, to: int) -> None:
    """Show another slice (held within the stack)."""
    case.chosen_slices[case.series_index] = min(max(to, 0), case.series.slices - 1)
    case.moves += 1


def step(case: OpenCase, by: int) -> None:
    """Show a neighbouring slice."""
    go(case, index(case) + by)


def controls(case: OpenCase) -> None:
    """Slider and buttons under the image; nothing for a single image."""
    total = case.series.slices
    if total < 2:
        return
    key = f"slice-{case.key}-{case.series_index}"
    st.session_state[key] = index(case) + 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="slice-controls"):
        st.slider(
            f"Slice (of {total})",
            1,
            total,
            key=key,
            on_change=lambda: go(case, st.session_state[key] - 1),
            label_visibility="collapsed",
        )
        st.button("Previous", key=f"{key}-previous", shortcut="J", on_click=step, args=(case, -1))
        st.button("Next", key=f"{key}-next", shortcut="K", on_click=step, args=(case, 1))
        if case.job is not None:
            _to_the_peak(case, key)


def peak(case: OpenCase) -> None:
    """The jump alone, where the viewer has a slice bar of its own."""
    if case.series.slices > 1 and case.job is not None:
        with st.container(key="slice-controls"):
            _to_the_peak(case, f"slice-{case.key}-{case.series_index}")


def _to_the_peak(case: OpenCase, key: str) -> None:
    """In its place from the beginning; it can be pressed once every slice has been answered."""
    review = case.review
    known = review is not None and review.complete and bool(review.ready)
    highest = review.peak if known and review is not None else None
    st.button(
        f"{'Most suspicious' if case.series.turned is None else 'Front'}: {'–' if highest is None else highest + 1}",
        key=f"{key}-peak",
        shortcut="P",
        icon=":material/target:",
        on_click=go,
        args=(case, highest or 0),
        disabled=highest is None or index(case) == highest,
        help="The slice with the highest mean probability over the models; known once all have been answered."
        if case.series.turned is None
        else "The view that the models were trained on, whose answer is that of the case.",
    )
