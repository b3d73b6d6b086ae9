"""The scan as it is set, beside what every model says of it now."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.engine.heat_rules import lit
from core.engine.results import ModelResult, Review
from core.imaging.render import MODEL_COLOURS
from core.imaging.study import Study
from core.preprocessing import windows
from core.simulate.laboratory import Setting, made
from core.statistics.segmentation import dice
from core.systems import SYSTEMS
from dashboard.kit import controls, heat_check_table, picture, render, words
from dashboard.kit.engine import engine
from dashboard.learn.laboratory import asked, curve, settings

SIDE = 560
NOTHING, HEAT, MASKS = "nothing", "heat map", "masks"


def show() -> None:
    """The laboratory; only what is set is drawn anew."""
    st.markdown(
        "A lesion of your own in a simulated scan. Make it fainter, smaller, blur it, drown it in noise: what do "
        "**you** still see, and what do the models? They were never shown such balls; this tells how they behave, not "
        "how well they read patients."
    )
    _body()
    curve.show()


@st.fragment
def _body() -> None:
    middle, left, right = st.columns([6, 4, 5], gap="medium")  # the picture comes first on a phone
    with left:
        system, seed, setting = settings.chosen()
    st.session_state["lab-set"] = (system, setting)
    study = made(system, seed, setting)
    with st.spinner("The models look …"):
        review = asked.review(study, system)
    with right:
        review = asked.gated(review, "lab-overrule")
        st.dataframe(_answers(review, study, system), hide_index=True, key="lab-answers")
        overlay, model = _overlay(review)
    with middle:
        truth = st.toggle("Show where the lesion is", key="lab-truth")
        picture.show(_drawn(study, system, review, overlay, model, truth=truth), told(review, setting, system))
        st.caption("Simulated: drawn by a computer, not a patient. Read as a single slice.")


def _answers(review: Review, study: Study, system: str) -> pd.DataFrame:
    truth = study.series[0].truth
    return pd.DataFrame([_line(result, system, truth) for result in review.results])


def _line(result: ModelResult, system: str, truth: np.ndarray | None) -> dict[str, object]:
    told = result.finding is not None and bool(result.answered[0])
    overlap = ""
    if told and result.mask is not None and truth is not None and truth.any():
        overlap = f"{float(dice(result.mask[0], truth[0])):.2f}"
    return {
        "Model": words.short_titles([result.state.title])[result.state.title],
        "Probability": words.probability(float(result.finding[0])) if told and result.finding is not None else "–",
        "Threshold": "" if result.threshold is None else f"{result.threshold:.2f}",
        "Says": words.decision(result, 0, SYSTEMS[system]) or "–",
        "Dice": overlap,
    }


def _overlay(review: Review) -> tuple[str, str | None]:
    offered = [NOTHING, HEAT, MASKS] if review.ready else [NOTHING]
    overlay = st.segmented_control("Over the scan", offered, default=NOTHING, required=True, key="lab-overlay")
    if overlay != HEAT:
        return overlay or NOTHING, None
    names = {r.state.name: r.state.title for r in review.ready}
    return HEAT, st.selectbox("Heat map of", list(names), format_func=names.__getitem__, key="lab-heat-model")


def _drawn(study: Study, system: str, review: Review, overlay: str, model: str | None, *, truth: bool) -> np.ndarray:
    series = study.series[0]
    grey = windows.to_display(
        series.pixels[0], controls.offered(series, system)[0], invert=windows.shown_inverted(series)
    )
    contours = [render.truth_contour(series.truth[0])] if truth and series.truth is not None else []
    if overlay == MASKS:
        outlined = [r for r in review.ready if r.mask is not None and r.mask[0].any()]
        contours += [
            render.Contour(r.mask[0], MODEL_COLOURS[n % len(MODEL_COLOURS)])
            for n, r in enumerate(outlined)
            if r.mask is not None
        ]
        st.caption("Outlined by " + ", ".join(r.state.title for r in outlined) + "." if outlined else "No outline.")
    heat = None
    result = next((r for r in review.ready if r.state.name == model), None)
    if overlay == HEAT and result is not None:
        found = engine().heat_map(study, system, 0, result.state.name, 0)
        found = lit(found, result, heat_check_table.checks_of(result.state.card) if result.state.card else None)
        heat = found.values
        if found.error:
            st.caption(words.plain(found.error))
    return render.picture(grey, render.display_size(series, SIDE), heat=heat, contours=contours)


def told(review: Review, setting: Setting, system: str) -> str:
    """The picture in words."""
    drawn = f"lesion of {setting.diameter:g}, contrast {setting.contrast:.0%}"
    return f"Simulated {SYSTEMS[system].title}, {drawn}; {asked.said(review)}"
