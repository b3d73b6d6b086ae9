"""The reading desk: viewer on the left, what the models say on the right, details below. One fragment."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.engine.results import ModelResult, Review
from core.systems import SYSTEMS
from core.systems.declaration import System
from dashboard.kit import controls, jobs, render, slice_strip, slices, viewer, words
from dashboard.kit.cases import OpenCase
from dashboard.review import (
    agreement,
    both_modalities,
    downloads,
    gate_notice,
    heat_maps,
    panels,
    pedigree,
    prediction_table,
    triage,
    uncertainty_line,
)
from dashboard.review import measures as sizes

# On a phone the picture comes first: what is set about it goes below the slice's own controls.
STYLE = """
<style>
@media (max-width: 760px) {
  .stVerticalBlock > :has(> .st-key-view-controls) { order: 1; }
}
</style>
"""


@st.fragment
def show(case: OpenCase) -> None:
    """Everything that changes with the slice; sliders redraw this part only."""
    st.html(STYLE)
    system = SYSTEMS[case.system] if case.system else None
    review, index = case.review, slices.index(case)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        view = controls.show(case)
        picture = _picture(case, index, view)
        _viewer(case, picture, index, view)
        slices.controls(case)
    with right:
        _answers(case, review, system, index)
    if review and system:
        heat_maps.show(case, review, system, index, view)
        panels.show(case, review, index, view)
    caption = f"{case.study.name}, slice {index + 1} of {case.series.slices}. Research use only, not a diagnosis."
    downloads.show(case, review, index, picture, caption, view)
    pedigree.show(review, case.study, case.series)


def _answers(case: OpenCase, review: Review | None, system: System | None, index: int) -> None:
    st.markdown("##### What the models say")
    if system is None:
        st.info("No system fits this image by itself. Choose one above to go on.", icon=":material/help:")
        return
    job = case.job
    if review is None:
        if job is not None and job.running:
            jobs.progress(case, job)
        elif job is not None:
            jobs.outcome(case, job)
        return
    gate_notice.show(case)
    if review.ready:
        agreement.show(review, index, system)
    elif not case.held_back:
        st.info(
            f"No model of {system.title} can answer yet; the scan can still be read. Each row says why.",
            icon=":material/info:",
        )
    prediction_table.show(review, index, system)
    triage.show(case, review, index)
    uncertainty_line.show(case, review, index)
    both_modalities.show(case, review, index)
    _sizes(case, review, index)
    if review.ready:
        maps = tuple(heat_maps.of(case, r.state.name, index) for r in review.ready)
        agreement.flags(review, index, case.series, maps)
    slice_strip.show(case, review, index)
    st.caption(system.scope)


def _sizes(case: OpenCase, review: Review, index: int) -> None:
    drawn = panels.segmenters(review)
    if drawn:
        short = words.short_titles([r.state.title for r in drawn])
        lines = [words.plain(sizes.brief(case.series, r, index, short[r.state.title])) for r in drawn]
        st.markdown(":material/straighten: **Size of the mask**  \n" + "  \n".join(lines))


def _viewer(case: OpenCase, picture: np.ndarray, index: int, view: controls.View) -> None:
    series = case.series
    number = f"{index + 1} / {series.slices}"
    overlay = "" if view.overlay == controls.NONE else f", overlay {_overlay_name(case, index, view)}"
    viewer.image(
        picture,
        series,
        key=f"{case.key}-{case.series_index}",
        alt=f"{series.description}, slice {index + 1} of {series.slices}{overlay}",
        corner_left=f"{series.description}\n{words.window(view.window, series)}\n{overlay.lstrip(', ')}",
        corner_right=f"{number}\n{series.plane or ''}",
        on_step=lambda by: slices.step(case, by),
    )


def _overlay_name(case: OpenCase, index: int, view: controls.View) -> str:
    if case.review and view.overlay in (controls.HEAT, controls.MASK):
        short = words.short_titles([r.state.title for r in case.review.ready])
        if view.overlay == controls.HEAT:
            return f"heat map of {short[_heated(case.review, index, view).state.title]}"
        titles = [short[r.state.title] for r in case.review.ready if r.state.name == view.model]
        return f"mask of {titles[0]}, solid green" if titles else "predicted masks, solid green"
    if view.overlay == controls.AI_RESULT:
        return "AI result that came with the images, dotted blue"
    return "truth, dashed red"


def _picture(case: OpenCase, index: int, view: controls.View) -> np.ndarray:
    series, review = case.series, case.review
    heat, contours = None, []
    if view.overlay == controls.HEAT and review:
        found = heat_maps.of(case, _heated(review, index, view).state.name, index)
        heat = found.values if found.peak > 0 else None
    if view.overlay == controls.MASK and review:
        contours = [
            render.prediction_contour(r.mask[index], fill=view.opacity / 2)
            for r in review.ready
            if r.mask is not None and view.model in (None, r.state.name)
        ]
    if view.overlay == controls.TRUTH and series.truth is not None:
        contours = [render.truth_contour(series.truth[index], fill=view.opacity / 2)]
    if view.overlay == controls.AI_RESULT and series.ai_result is not None:
        contours = [render.ai_result_contour(series.ai_result[index], fill=view.opacity / 2)]
    grey = controls.grey(series, index, view)
    return render.picture(grey, render.display_size(series), heat=heat, opacity=view.opacity, contours=contours)


def _heated(review: Review, index: int, view: controls.View) -> ModelResult:
    """The model whose heat map the viewer shows: the chosen one, or the surest of a finding on this slice."""
    chosen = [r for r in review.ready if r.state.name == view.model]
    return max(
        chosen or review.ready, key=lambda r: 0.0 if r.finding is None or r.failed(index) else float(r.finding[index])
    )
