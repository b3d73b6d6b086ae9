"""What the models say about the slice on the screen: rows that fill as each model is ready, in reserved places."""

from __future__ import annotations

import streamlit as st

from core.engine.results import Review
from core.systems.declaration import System
from dashboard.kit import jobs, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.review import (
    agreement,
    both_modalities,
    drawn_models,
    gate_notice,
    heat_maps,
    panels,
    prediction_table,
    switches,
    triage,
    uncertainty_line,
)
from dashboard.review import measures as sizes
from dashboard.viewer import component


def show(case: OpenCase, system: System | None, index: int) -> None:
    """The tab; it draws itself anew while answers are still to come, and the page once when all are there."""
    if system is None:
        st.info("No system fits this image by itself. Choose one above to go on.", icon=":material/help:")
        return
    running = jobs.running(case)
    st.fragment(_show, run_every=jobs.pace(engine()) if running else None)(case, system, index, running)


def _show(case: OpenCase, system: System, index: int, running: bool) -> None:
    job = case.job
    if job is None:
        if jobs.page_is_over(case):  # to be begun anew
            st.rerun()
        return
    if running != job.running:  # at its end, or gone on with: who asks is set up above
        st.rerun()
    if jobs.page_is_over(case):  # an answer under way comes first: what is around it is drawn at the next look
        if case.looked_over or not running:
            st.rerun()
        case.looked_over = True
    jobs.first(job)
    jobs.line(case, job)
    review = case.review
    drawn = drawn_models.of(case) if component.ready() else []
    below = switches.of_series(case.series) if component.ready() else ""
    if review is None:
        agreement.nothing_yet()
        prediction_table.waiting(engine().states(system.name), system, drawn, below)
        return
    gate_notice.show(case)
    if review.ready:
        agreement.show(review, index, system)
    elif review.complete and not case.held_back:
        st.info(
            f"No model of {system.title} can answer yet; the scan can still be read. Each row says why.",
            icon=":material/info:",
        )
    else:
        agreement.nothing_yet()
    prediction_table.show(review, index, system, drawn, below, case.series.turned)
    if job.run.course.done:
        job.run.course.seen()
    if review.complete:
        _beyond(case, review, system, index)


def _beyond(case: OpenCase, review: Review, system: System, index: int) -> None:
    """What is known once all slices are answered; it stands below, so that nothing above it moves."""
    if review.ready:
        maps = tuple(heat_maps.tested(case, r, index) for r in review.ready if heat_maps.rule_of(r.state).passed)
        agreement.flags(review, index, case.series, maps, case.match.warnings)
    _sizes(case, review, index)
    both_modalities.show(case, review, index)
    uncertainty_line.show(case, review, index)
    triage.show(case, review, index)
    st.caption(system.scope)


def _sizes(case: OpenCase, review: Review, index: int) -> None:
    drawn = panels.segmenters(review)
    if drawn:
        short = words.short_titles([r.state.title for r in drawn])
        lines = [words.plain(sizes.brief(case.series, r, index, short[r.state.title])) for r in drawn]
        st.markdown(":material/straighten: **Size of the mask**  \n" + "  \n".join(lines))
