"""Which slice is on the screen: slider, step buttons with keys, and the jump to the most suspicious one."""

from __future__ import annotations

import streamlit as st

from dashboard.kit.cases import OpenCase


def index(case: OpenCase) -> int:
    """The slice on the screen, from 0; the most suspicious one until the reviewer chooses."""
    chosen = case.chosen_slices.get(case.series_index)
    if chosen is not None:
        return min(chosen, case.series.slices - 1)
    return case.review.peak if case.review else case.series.slices // 2


def go(case: OpenCase, to: int) -> None:
    """Show another slice (held within the stack)."""
    case.chosen_slices[case.series_index] = min(max(to, 0), case.series.slices - 1)


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
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.slider(
            f"Slice (of {total})",
            1,
            total,
            key=key,
            on_change=lambda: go(case, st.session_state[key] - 1),
            help="Left and right arrow keys change the slice from anywhere on the page; so do J and K.",
        )
        st.button("Previous", key=f"{key}-previous", shortcut="J", on_click=step, args=(case, -1))
        st.button("Next", key=f"{key}-next", shortcut="K", on_click=step, args=(case, 1))
        if case.review and case.review.ready:
            st.button(
                "Most suspicious",
                key=f"{key}-peak",
                shortcut="P",
                icon=":material/target:",
                on_click=go,
                args=(case, case.review.peak),
                disabled=index(case) == case.review.peak,
                help=f"Slice {case.review.peak + 1}: the highest mean probability over the models.",
            )
