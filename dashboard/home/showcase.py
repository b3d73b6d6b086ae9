"""The picture on Home: a simulated case as the models see it right now, never a canned one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.engine.heat_rules import heat_rule, lit
from core.engine.results import ModelStatus
from core.engine.words import short
from core.errors import OverreadError
from core.imaging.study import Study
from core.simulate import samples
from core.systems import SYSTEMS
from dashboard.kit import blinding, controls, heat_check_table, messages, picture, render
from dashboard.kit.engine import engine

SIDE = 420


@dataclass(frozen=True, eq=False)
class Said:
    """What one model said about the sample: its title, pictures of its heat map and of its outline."""

    model: str
    heat: np.ndarray
    outline: np.ndarray | None


def show() -> None:
    """Scan and truth at once, then heat map and prediction when a model is ready."""
    system = next(s for s in SYSTEMS.values() if s.showcase)
    study = samples.load_sample(system.showcase)
    series = study.series[0]
    if blinding.quizzed(series.pixels[0]):
        st.caption("The picture of this place is a case of a quiz that you have begun: it comes back with its truth.")
        return
    grey, size = _grey(study)
    cells = st.columns(4, gap="small")
    with cells[0]:
        picture.show(render.picture(grey, size), f"A simulated {system.scans[0].kind} with a {system.finding}")
        st.caption("A simulated scan, no patient")
    if series.truth is not None:
        with cells[1]:
            drawn = render.picture(grey, size, contours=[render.truth_contour(series.truth[0])])
            picture.show(drawn, "The same slice, the true outline of the tumour in dashed red")
            st.caption("What is there (dashed red)")
    ready = [s for s in engine().states(system.name) if s.status is ModelStatus.READY and s.card]
    if not ready:
        return
    said = _ask(system.name, tuple(s.card.digest for s in ready if s.card))
    if said is None:
        return
    with cells[2]:
        picture.show(said.heat, f"The same slice with the heat map of {said.model}")
        st.caption(f"Where {said.model} looked")
    if said.outline is not None:
        with cells[3]:
            picture.show(said.outline, f"The same slice with the outline drawn by {said.model} in solid green")
            st.caption("What it outlined (solid green)")


@st.cache_resource(show_spinner=False, max_entries=2)
def _ask(system: str, digests: tuple[str, ...]) -> Said | None:
    """Ask the first ready model, once per set of cards: a card's digest is over all that decides an answer."""
    study = samples.load_sample(SYSTEMS[system].showcase)
    try:
        review = engine().review(study, system, 0)
        first = max(review.ready, key=lambda r: r.mask is not None)
        checks = heat_check_table.checks_of(first.state.card) if first.state.card else None
        method = heat_rule(checks).method
        heat = lit(engine().heat_map(study, system, 0, first.state.name, 0, method=method), first, checks)
    except (OverreadError, ValueError) as failure:
        messages.LOG.warning("no showcase: %s", failure)
        return None
    grey, size = _grey(study)
    outline = None
    if first.mask is not None:
        outline = render.picture(grey, size, contours=[render.prediction_contour(first.mask[0])])
    return Said(short(first.state.title), render.picture(grey, size, heat=heat.drawn, opacity=0.7), outline)


def _grey(study: Study) -> tuple[np.ndarray, tuple[int, int]]:
    series = study.series[0]
    view = controls.View(controls.contrast(series), False, controls.NONE, 0.0)
    return controls.grey(series, 0, view), render.display_size(series, SIDE)
