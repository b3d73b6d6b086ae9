"""One case to answer: the picture first, then what is seen, how sure, and where. Nothing here knows the truth."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import AlreadyLockedError, OverreadError
from core.review import Store
from core.systems import SYSTEMS
from core.teaching.attempts import Task
from core.teaching.rules import Stage, Verify
from dashboard.kit import address, controls, jobs, messages, render, slices, viewer, who, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.learn import case as quiz_case
from dashboard.learn import form as quiz_form
from dashboard.learn import planted
from dashboard.learn.form import QuizForm
from dashboard.read import form as read_form
from dashboard.read import marks as read_marks
from dashboard.review import answers, drawn_models, reading, screen
from dashboard.viewer import component, desk

NOTICE = "learn-notice"
OVER = "The time for that case was over: what you had said is your answer."


def show(store: Store, learner: int, task: Task, leave: Callable[[], None]) -> None:
    """The case and its form."""
    with_models = task.stage is Stage.ADVISED
    case = quiz_case.blind(store, learner, task)
    if with_models and task.rules.asks_models:
        jobs.ensure(case, engine())
        jobs.soon(case)
        jobs.page_begins(case)
    if _over(task):  # before the clock is drawn, which would ask for another run, and another
        _give(quiz_form.of(store, learner, task, case), OVER)
        leave()
        return
    _head(task, leave)
    _body(store, learner, task, case)


def _head(task: Task, leave: Callable[[], None]) -> None:
    system = SYSTEMS[task.system]
    facts = [system.title] + (["simulated, no patient"] if task.simulated else [])
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="quiz-head"):
        st.html(
            f"<h1 style='font-size:1.35rem;margin:0;padding:0'>Case {task.place} of {task.total}</h1>"
            f"<div style='font-size:.85rem;opacity:.8'>{words.cell(' · '.join(facts))}</div>",
            width="stretch",
        )
        if task.rules.seconds is not None:
            st.fragment(_clock, run_every=1.0)(task)
        leave()
    notice = st.session_state.pop(NOTICE, None)
    if notice:
        st.info(notice, icon=":material/info:")


def _clock(task: Task) -> None:
    """The time left; when it is over the page is drawn anew, and takes the answer as it stands."""
    left = max(task.seconds_left() or 0.0, 0.0)
    st.html(
        f"<div role='timer' style='font-variant-numeric:tabular-nums;font-size:1.1rem'>{left:.0f} s left</div>",
        width="content",
    )
    if _over(task):
        st.rerun()


def _over(task: Task) -> bool:
    """Whether the time for a case is over."""
    left = task.seconds_left()
    return left is not None and left <= 0


@st.fragment
def _body(store: Store, learner: int, task: Task, case: OpenCase) -> None:
    who.touch()
    form = quiz_form.of(store, learner, task, case)
    drawn = case.measured
    if drawn != form.content.get("measures", []):
        form.change(measures=list(drawn))
    if _over(task):
        _give(form, OVER)
        return
    left, right = st.columns([13, 8], gap="small")
    with left, st.container(gap="xsmall"):
        _picture(form, task, case)
    with right, st.container(key="desk-rail", gap="small"):
        if task.stage is Stage.ADVISED:
            _advice(store, learner, task, case)
        read_form.ask(form, case)
        st.caption(
            "Mark the middle of what you see"
            + (" (Mark, in the viewer's tools)" if component.ready() else "")
            + ". An outline drawn with Ellipse, Rectangle or Freehand is compared with the truth, too."
        )
        read_marks.listed(form, case)
        _hint(form, task)
        _button(form, case)


def _advice(store: Store, learner: int, task: Task, case: OpenCase) -> None:
    second = ": your second answer" if Stage.ALONE in task.rules.stages else ""
    if task.rules.asks_models:
        st.markdown(f"##### The models in sight{second}")
        answers.show(case, SYSTEMS[task.system], slices.index(case))
    else:
        st.markdown(f"##### The AI in sight{second}")
        planted.show(store, learner, task)


def _picture(form: QuizForm, task: Task, case: OpenCase) -> None:
    index, advised = slices.index(case), task.stage is Stage.ADVISED and task.rules.asks_models
    if component.ready():
        with st.container(key="reader"):
            desk.show(
                case,
                key=f"learn-{task.stage}",
                height=reading.ROOM,
                marking=read_marks.marking(form),
                overlays=screen.layers(case) if advised else [],
                along=drawn_models.along(case) if advised else None,
            )
        return
    component.note()
    view = controls.show(case, overlays=advised)
    marking = st.toggle("Mark on the image", key=f"marking-{form.case_id}-{form.stage}")
    series = case.series
    alt = f"Case {task.place}, slice {index + 1} of {series.slices}"
    if marking:
        picture = render.picture(controls.grey(series, index, view), render.display_size(series))
        read_marks.board(form, case, picture, index, alt)
    else:
        viewer.image(
            screen.drawn(case, index, view),
            series,
            key=f"learn-{case.key}-{case.series_index}-{task.stage}",
            alt=alt,
            corner_left=words.corner(view.window, series),
            corner_right=f"{index + 1} / {series.slices}\n{series.plane or ''}",
            on_step=lambda by: slices.step(case, by),
        )
    slices.controls(case)


def _hint(form: QuizForm, task: Task) -> None:
    if not task.hint:
        return
    if form.content.get("hinted"):
        st.info(words.plain(task.hint), icon=":material/lightbulb:")
    else:
        st.button(
            "A hint",
            key=f"hint-{form.case_id}-{form.stage}",
            icon=":material/lightbulb:",
            on_click=lambda: form.change(hinted=True),
            help="Your results say that you used it.",
        )


def _button(form: QuizForm, case: OpenCase) -> None:
    wanting = read_form.missing(form, case)
    pressed = st.button(
        "This is my answer",
        key=f"answer-{form.case_id}-{form.stage}",
        type="primary",
        icon=":material/lock:",
        disabled=bool(wanting),
        width="stretch",
    )
    st.caption(f"Still to say: {', '.join(wanting)}." if wanting else "Final once given: it cannot be changed.")
    if pressed and not wanting:  # a browser greys a button out, and a client need not
        _give(form)


def _give(form: QuizForm, notice: str = "") -> None:
    """Answer, and go where the quiz goes on; a case that was answered in another tab stays as it was answered."""
    task = form.task
    assert task is not None
    try:
        form.final()
    except AlreadyLockedError as error:
        notice = str(error)
    except OverreadError as error:
        messages.show(error)
        return
    st.session_state[NOTICE] = notice
    address.go(look=look_after(task))
    st.rerun()


def look_after(task: Task) -> int | None:
    """Which case is shown with its truth after an answer; ``None`` where the quiz goes on at once."""
    whole = task.stage == task.rules.stages[-1]
    return task.place if whole and task.rules.verify is Verify.AT_ONCE else None
