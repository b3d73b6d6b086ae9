"""The reading desk: the picture in full height, and beside it the rail. One fragment; nothing moves by itself."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.kit import address, controls, jobs, slice_strip, slices, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.review import rail, screen
from dashboard.viewer import component
from dashboard.viewer.component import Marking

ROOM = "var(--or-room, 70vh)"  # height of the viewer, as the style gives it

# The rail scrolls by itself, so that the picture stays where it is. On a phone all stands in one column, picture first:
# what holds picture and rail side by side is laid open there, and the study's line comes between them.
STYLE = """
<style>
.stMainBlockContainer { padding-top: 3.6rem; padding-bottom: 0.4rem; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.35rem; }
.stElementContainer:has(.or-desk) { position: absolute; }
.or-name { display: none; }
.st-key-study-bar { min-height: 3.4rem; }
.st-key-view-controls { height: 2.6rem; }
.st-key-screen { --or-room: calc(100vh - 13rem); }
.st-key-screen, .st-key-screen-stack { height: var(--or-room); min-height: 300px; overflow: hidden; }
.st-key-screen-stack { --or-room: calc(100vh - 24rem); }
.st-key-reader { --or-room: calc(100vh - 9.8rem); }
.st-key-reader-stack { --or-room: calc(100vh - 13.2rem); }
.st-key-reader, .st-key-reader-stack { height: var(--or-room); min-height: 300px; overflow: hidden; }
.st-key-slice-controls { height: 2.8rem; }
.st-key-place-stack { min-height: max(calc(100vh - 9.9rem), 396px); }
.st-key-suspicion { height: 120px; overflow: hidden; }
.st-key-desk-rail { height: calc(100vh - 9.6rem); min-height: 420px; overflow-y: auto; overflow-x: hidden;
  padding-right: 6px; }
.st-key-review-line { min-height: 2.6rem; }
@media (max-width: 760px) {
  .st-key-view-controls { height: auto; }
  .stVerticalBlock > :has(> .st-key-view-controls) { order: 1; }
  .st-key-slice-controls { height: auto; }
  .st-key-place-stack { min-height: 0; }
  .st-key-screen, .st-key-screen-stack { --or-room: min(100vw, 70vh); }
  .st-key-reader, .st-key-reader-stack { --or-room: min(130vw, 74vh); }
  .st-key-desk-rail { height: auto; overflow: visible; }
  .stElementContainer:has(.or-desk) { position: static; }
  .or-name { display: block; font-weight: 600; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .or-name::before { content: attr(data-name); }
  .stApp:has(.or-name) .st-key-study-head h1 { position: absolute; height: 1px; width: 1px; overflow: hidden;
    clip-path: inset(50%); }
  .stMainBlockContainer > .stVerticalBlock :has(.stColumn .st-key-desk-rail) { display: contents; }
  .stColumn:has(+ .stColumn .st-key-desk-rail), .stColumn:has(.st-key-desk-rail) { flex: none; width: 100%; }
  .stMainBlockContainer > .stVerticalBlock > :has(> .st-key-study-head) { order: 1; }
  .stColumn:has(.st-key-desk-rail) { order: 2; }
}
</style>
"""


def style(name: str = "") -> None:
    """The page's style, as the first thing on it: its element takes the place of whatever stood there before.

    Args:
        name: of the study; on a phone it stands over the picture, and the study's line under it.
    """
    title = f"<div class='or-name' aria-hidden='true' data-name='{words.cell(name)}'></div>" if name else ""
    st.html(f"{STYLE}<i class='or-desk'></i>{title}")


@st.fragment
def show(
    case: OpenCase, opinion: Callable[[], None] | None = None, marking: Callable[[], Marking] | None = None
) -> None:
    """Everything that changes with the slice; sliders redraw this part only.

    Args:
        opinion: draws the reader's own opinion in a tab of the rail. marking: gives its marks.
    """
    if jobs.page_is_over(case):  # drawn anew by itself it would ask no more, and what is around it would stay
        st.rerun()
    index = slices.index(case)
    jobs.look(case)
    address.keep(slice=index + 1 if case.series.slices > 1 else None)
    left, right = st.columns([13, 8], gap="small")
    with left, st.container(gap="xsmall"):
        name = "" if case.series.slices < 2 else "-stack"
        with st.container(
            key=f"place{name}", gap="xsmall"
        ):  # stays, and keeps its height, when one viewer follows another
            if component.ready():
                with st.container(key=f"reader{name}"):
                    view, picture = screen.read(case, index, ROOM, marking() if marking is not None else None)
                slices.peak(case)
            else:
                view = controls.show(case)
                with st.container(key=f"screen{name}"):
                    picture = screen.show(case, index, view)
                slices.controls(case)
                _strip(case, index)
        component.note()
    if jobs.soon(case):  # the picture is on its way meanwhile; what was said of it is drawn with its overlays
        st.rerun()
    with right, st.container(key="desk-rail", gap="small"):
        rail.show(case, index, view, picture, opinion)


def _strip(case: OpenCase, index: int) -> None:
    """The suspicion along the stack under the simple viewer; the other one has it in its slice bar."""
    if case.series.slices < 2 or case.job is None:
        return
    running = case.job.running

    def draw() -> None:
        if case.review is not None:
            slice_strip.show(case, case.review, index)

    with st.container(key="suspicion"):
        st.fragment(draw, run_every=3 * jobs.pace(engine()) if running else None)()
