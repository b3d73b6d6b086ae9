"""The picture with what is laid over it: the one place that draws the viewer of Review and Read."""

from __future__ import annotations

import numpy as np

from core.engine.results import ModelResult, Review
from dashboard.kit import controls, render, slices, viewer, words
from dashboard.kit.cases import OpenCase
from dashboard.review import drawn_models, heat_maps
from dashboard.viewer import desk, overlays
from dashboard.viewer.component import Marking
from dashboard.viewer.overlays import Kind, Overlay


def show(case: OpenCase, index: int, view: controls.View) -> np.ndarray:
    """Draw the slice; returns what is on the screen, uint8 ``(height, width, 3)``."""
    series, picture = case.series, drawn(case, index, view)
    overlay = "" if view.overlay == controls.NONE else f", overlay {_overlay_name(case, index, view)}"
    viewer.image(
        picture,
        series,
        key=f"{case.key}-{case.series_index}",
        alt=f"{series.description}, slice {index + 1} of {series.slices}{overlay}",
        corner_left=f"{series.description}\n{words.window(view.window, series)}\n{overlay.lstrip(', ')}",
        corner_right=f"{index + 1} / {series.slices}\n{series.plane or ''}",
        on_step=lambda by: slices.step(case, by),
    )
    return picture


def read(case: OpenCase, index: int, height: str, marking: Marking | None = None) -> tuple[controls.View, np.ndarray]:
    """The viewer in the browser, with every overlay that there is; and how the slice is seen, as the reports take it.

    Args:
        height: in CSS. marking: marks of readers over the picture.

    Returns:
        The view, and the slice in it, uint8 ``(height, width, 3)``, without overlays.
    """
    desk.show(case, key="review", overlays=layers(case), along=drawn_models.along(case), height=height, marking=marking)
    view = desk.view(case, "review")
    return view, drawn(case, index, view)


def layers(case: OpenCase) -> list[Overlay]:
    """Masks of the models, heat maps whose method passed its test, truth, result of an algorithm in the file."""
    series, models = case.series, drawn_models.of(case)
    drawn = {} if case.review is None else {r.state.name: r.mask for r in case.review.ready}
    masks = [
        overlays.of_model(m.number, m.mask_id, f"Mask: {m.name}", mask)
        for m in models
        if (mask := drawn.get(m.state.name)) is not None
    ]
    heat = [
        Overlay(m.heat_id, f"Heat map: {m.name}", Kind.HEAT, heat=heat_maps.along(case, m.state), opacity=0.6)
        for m in models
        if heat_maps.rule_of(m.state).passed
    ]
    given = [] if series.truth is None else [overlays.of_truth(series.truth, on=case.truth_on)]
    given += [] if series.ai_result is None else [overlays.of_ai_result(series.ai_result)]
    return [*masks, *heat, *given]


def drawn(case: OpenCase, index: int, view: controls.View) -> np.ndarray:
    """The slice in its window with the chosen overlay."""
    series, review = case.series, case.review
    heat, contours = None, []
    if view.overlay == controls.HEAT and review:
        heat = heat_maps.tested(case, _heated(review, index, view), index).drawn
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


def _heated(review: Review, index: int, view: controls.View) -> ModelResult:
    """The model whose heat map the viewer shows: the chosen one, or the surest of a finding on this slice."""
    chosen = [r for r in review.ready if r.state.name == view.model]
    return max(
        chosen or review.ready, key=lambda r: 0.0 if r.finding is None else float(np.nan_to_num(r.finding[index]))
    )
