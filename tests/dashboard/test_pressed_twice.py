"""Controls pressed twice, or while something is under way: the page does it once, and goes on as it should."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.background import Job
from core.review import Store
from core.teaching import learners, quizzes, studies
from dashboard.learn.laboratory import curve
from dashboard.teach import live
from tests.dashboard.test_cut_off import CutOff
from tests.teaching import school


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    opened = Store.open(str(tmp_path / "store"))
    yield opened
    opened.close()


def makes_a_quiz() -> None:
    from core.review import open_store
    from dashboard.teach import make

    make.show(open_store(), 1)


def makes_a_study() -> None:
    from core.review import open_store
    from dashboard.teach import study_plan

    study_plan.show(open_store(), 1)


@pytest.mark.parametrize(
    ("page", "fields", "button", "made"),
    [
        (
            makes_a_quiz,
            {"new-course-name": "C", "new-title": "Q"},
            "Make the quiz",
            lambda store: [one.quiz.title for one in quizzes.quizzes(store)],
        ),
        (
            makes_a_study,
            {"study-title": "Q"},
            "Make the study",
            lambda store: [one.title for one in studies.studies(store, 1)],
        ),
    ],
    ids=["quiz", "study"],
)
def test_a_second_press_while_the_first_is_at_work_makes_nothing_more(
    store: Store,
    page: Callable[[], None],
    fields: dict[str, str],
    button: str,
    made: Callable[[Store], list[str]],
) -> None:
    app = AppTest.from_function(page, default_timeout=120)
    app.session_state["person"] = store.local_user()
    app.run()
    for key, value in fields.items():
        app.text_input(key=key).set_value(value)
    app.run()
    with mock.patch.object(st, "spinner", CutOff(leaving=1)):  # the second press cuts the run of the first off
        pressed = next(one for one in app.button if one.label == button)
        pressed.click().run()
    assert not app.exception
    assert made(store) == ["Q"]
    assert next(one for one in app.button if one.label == button).key != pressed.key  # which the second press means


def test_the_page_of_the_models_stays_while_somebody_else_measures() -> None:
    def page() -> None:
        import streamlit as st

        from dashboard.models import times

        lock, _ = times._here()
        if st.session_state.get("busy"):
            lock.acquire(blocking=False)
        try:
            times.control()
            st.text("the tables")
        finally:
            if lock.locked():
                lock.release()

    app = AppTest.from_function(page, default_timeout=60).run()
    app.session_state["busy"] = True
    app.button(key="measure-times").click().run()
    assert [one.value for one in app.info] == ["Somebody else is measuring on this machine: try again in a minute."]
    assert [one.value for one in app.text] == ["the tables"]


def test_a_class_that_was_closed_on_another_screen_is_drawn_anew(store: Store) -> None:
    quiz = school.quiz(store).id or 0
    one = next(listed for listed in quizzes.quizzes(store) if listed.quiz.id == quiz)
    code = learners.open_class(store, school.teacher(store), quiz)
    with mock.patch.object(live, "st", mock.MagicMock()) as drawn:
        live._now(store, school.teacher(store), one, False, code)
        drawn.rerun.assert_not_called()
        learners.close_class(store, school.teacher(store), quiz)
        live._now(store, school.teacher(store), one, False, code)
        drawn.rerun.assert_called_once_with()


def test_a_measurement_is_begun_once_and_asked_for_only_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    asked: list[float | None] = []
    state: dict[str, Any] = {"lab-set": ("pet", SimpleNamespace())}
    page = mock.MagicMock(session_state=state)
    page.fragment.side_effect = lambda draw, run_every: lambda *_: asked.append(run_every)
    monkeypatch.setattr(curve, "st", page)
    monkeypatch.setattr(curve, "engine", lambda: None)
    monkeypatch.setattr(curve, "_quality", lambda setting: setting)
    monkeypatch.setattr(curve, "measure", lambda *_: go.wait(60))
    curve.show()
    curve._begin()
    first = cast("Job[Any]", state[curve.KEY])
    curve.show()
    curve._begin()
    assert state[curve.KEY] is first
    go.set()
    first.join(60)
    curve.show()
    assert asked == [None, curve.POLL, None]
    page.rerun.side_effect = InterruptedError
    with pytest.raises(InterruptedError):  # it ended since the page was drawn
        curve._under_way(True)
