"""Runs a review in the background: the scan is there at once, answers come one by one, and it can be stopped."""

from __future__ import annotations

import time
import weakref

import streamlit as st

from core.engine.engine import Engine
from core.engine.shared_runs import Watch
from dashboard.kit import cases, messages, slices, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine

QUICK = 0.3  # seconds: the review of a single slice that is done by then is drawn at once, without a poll
FIRST = 1.2  # seconds: a first answer that is there by then is drawn at once, without a poll
POLL = 0.5
EACH = 0.06  # seconds of a poll's interval for each session that waits: together they take a fifth of a processor
LOOK = 0.02  # seconds between looks for the first answer


def ensure(case: OpenCase, engine: Engine) -> Watch | None:
    """Begin the review of the series on the screen unless it has begun; ``None`` without a system.

    The slice on the screen is asked about next. Sessions that look at the same images share one run.
    """
    if case.system is None:
        return None
    key = (case.system, case.series_index)
    if key not in case.jobs:
        watch = engine.runs.watch(
            case.study, case.system, case.series_index, first=slices.index(case), give_way=cases.drop_oldest
        )
        case.jobs[key] = watch
        weakref.finalize(case, watch.stop)  # when the session goes, so does the case: then nobody waits any more
    look(case)
    return case.jobs[key]


def soon(case: OpenCase) -> bool:
    """Wait a moment for a review that has just begun: for its first answer, of a single slice for its end.

    Returns:
        True where the end came.
    """
    watch = case.job
    if watch is None or not running(case):
        return False
    if case.series.slices == 1:
        watch.join(max(watch.begun + QUICK - time.monotonic(), 0.0))
    while watch.running and not watch.run.course.done and time.monotonic() < watch.begun + FIRST:
        time.sleep(LOOK)
    return not running(case)


def running(case: OpenCase) -> bool:
    """Whether the review of the series on the screen is under way."""
    return case.job is not None and case.job.running


def page_begins(case: OpenCase) -> None:
    """Note how the review stands that what is drawn around the reading desk tells of."""
    case.around, case.looked_over = _standing(case), False


def page_is_over(case: OpenCase) -> bool:
    """Whether the review stands otherwise than when the page was drawn: what is around the desk tells of before.

    It has ended or goes on again, its gate has spoken, or was overruled.
    """
    return case.around is not None and case.around != _standing(case)


def _standing(case: OpenCase) -> tuple[bool, ...] | None:
    job = case.job
    return None if job is None else (job.running, job.result is not None, case.verdict is not None, case.held_back)


def wait_elsewhere(case: OpenCase) -> None:
    """Draw the page anew as the review goes on, where no answers stand that ask by themselves."""
    if running(case):
        st.fragment(_again_when_over, run_every=pace(engine()))(case)


def _again_when_over(case: OpenCase) -> None:
    if page_is_over(case):
        st.rerun()


def pace(engine: Engine) -> float:
    """Seconds between two looks for new answers: longer where many sessions look."""
    return max(POLL, EACH * engine.runs.waiting)


def first(watch: Watch) -> None:
    """Wait for the first answer, not for the next poll; where its place was drawn already, and not beyond that poll."""
    end = time.monotonic() + 0.8 * POLL
    while watch.shown and watch.running and not watch.run.course.done and time.monotonic() < end:
        time.sleep(LOOK)
    watch.shown = True


def look(case: OpenCase) -> None:
    """Tell the models which slice the reader looks at."""
    if case.job is not None and case.job.running:
        case.job.run.course.look(slices.index(case))


def line(case: OpenCase, watch: Watch) -> None:
    """How far a review is, in one line that is as high before, meanwhile and after; with the button that stops it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review-line"):
        st.markdown(said(case, watch), width="stretch")
        if watch.running:
            st.button("Stop", key=f"stop-{case.key}", icon=":material/stop_circle:", on_click=watch.stop)
        elif watch.result is None:
            label = "Go on" if watch.error is None else "Try again"
            st.button(label, key=f"again-{case.key}", icon=":material/refresh:", on_click=again, args=(case, watch))
    if watch.error is not None:
        messages.show(watch.error)


def again(case: OpenCase, watch: Watch) -> None:
    """Go on where it was stopped; begin anew where it failed."""
    if watch.error is None:
        watch.go_on()
    else:
        case.jobs.pop((case.system or "", case.series_index), None)


def said(case: OpenCase, watch: Watch) -> str:
    """How far it is, in words."""
    course, total = watch.run.course, case.series.slices
    if watch.result is not None:
        return f":material/done_all: {'All' if total > 1 else ''} {words.count(total, 'slice')} answered".replace(
            "  ", " "
        )
    if watch.error is not None:
        return ":material/error: Ended without an answer"
    share = f"{course.fraction:.0%}"
    if not watch.running:
        return f":material/stop_circle: Stopped at {share}: what was answered stays"
    if watch.run.review is None:
        return ":material/hourglass_top: Asking whether this is such a scan"
    if course.ahead:
        before = words.count(course.ahead, "review")
        return f":material/hourglass_top: {before} before this one; slices you open come first"
    left = course.seconds_left
    return f":material/hourglass_top: {share} answered" + (f", about {words.left(left)}" if left else "")
