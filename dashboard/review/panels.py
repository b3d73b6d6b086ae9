"""The five panels of a segmenter: scan, truth, predicted mask, scan with truth, scan with prediction."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.engine.results import ModelResult, Review
from dashboard.kit import controls, render, words
from dashboard.kit import picture as pictures
from dashboard.kit.cases import OpenCase
from dashboard.review import measures

SIDE = 420


def segmenters(review: Review) -> tuple[ModelResult, ...]:
    """Models that drew a mask."""
    return tuple(r for r in review.ready if r.mask is not None)


@st.fragment
def show(case: OpenCase, review: Review, index: int, view: controls.View) -> None:
    """Five panels for one segmenter, chosen where there are several; nothing without one."""
    drawn = segmenters(review)
    if not drawn:
        return
    st.subheader("Masks")
    chosen = drawn[0]
    if len(drawn) > 1:
        short = words.short_titles([r.state.title for r in drawn])
        titles = {short[r.state.title]: r for r in drawn}
        first = next(iter(titles))
        key = f"panel-model-{case.key}-{case.series_index}"
        picked = st.segmented_control("Mask of", list(titles), default=first, required=True, key=key)
        chosen = titles[picked or first]
    _five(case, chosen, index, view)
    measures.show(case.series, [chosen], index)


def _five(case: OpenCase, result: ModelResult, index: int, view: controls.View) -> None:
    series = case.series
    assert result.mask is not None
    grey = controls.grey(series, index, view)
    size = render.display_size(series, SIDE)
    prediction = result.mask[index]
    truth = series.truth[index] if series.truth is not None else None
    where = f"slice {index + 1}"
    cells = st.columns(5, gap="small")
    with cells[0]:
        _panel("Scan", render.picture(grey, size), f"Scan, {where}")
    with cells[1]:
        if truth is None:
            _blank("Truth", "no truth mask given")
        else:
            _panel("Truth", render.mask_picture(truth, size), f"Reference mask, {where}: {_extent(truth.any())}")
    with cells[2]:
        withheld = result.gated is not None and bool(result.gated[index])
        note = "Predicted mask" + (" (withheld by its gate)" if withheld else "")
        picture = render.mask_picture(prediction, size)
        _panel(note, picture, f"Predicted mask of {result.state.title}, {where}: {_extent(prediction.any())}")
    with cells[3]:
        if truth is None:
            _blank("Scan with truth", "no truth mask given")
        else:
            drawn = render.picture(grey, size, contours=[render.truth_contour(truth)])
            _panel("Scan with truth (red, dashed)", drawn, f"Scan with the reference outlined in dashed red, {where}")
    with cells[4]:
        drawn = render.picture(grey, size, contours=[render.prediction_contour(prediction)])
        _panel(
            "Scan with prediction (green, solid)", drawn, f"Scan with the prediction outlined in solid green, {where}"
        )


def _panel(title: str, picture: np.ndarray, alt: str) -> None:
    pictures.show(picture, alt)
    st.caption(title)


def _blank(title: str, why: str) -> None:
    st.html(
        "<div style='aspect-ratio:1;display:grid;place-items:center;border:1px dashed "
        "color-mix(in srgb,currentColor 35%,transparent);border-radius:4px;font-size:.85rem;opacity:.8'>"
        f"<span>{why}</span></div>"
    )
    st.caption(title)


def _extent(anything: bool) -> str:
    return "outlines a region" if anything else "empty"
