"""Buttons pressed at an awkward moment do what they say, with what is there by then."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.background import Job
from core.engine.results import HeatMap
from dashboard.arbitration import queue
from dashboard.kit import jobs
from dashboard.review import heat_checks


def test_checks_of_maps_that_were_switched_off_a_moment_ago_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Job[None]] = []
    go = threading.Event()

    def work(job: Job[None], **_: object) -> None:
        asked.append(job)
        go.wait(20)  # a pass of a network, which nothing cuts short

    class Case(SimpleNamespace):
        __hash__ = object.__hash__  # type: ignore[assignment]

    case = cast("Any", Case(key="k", system="brain-mr", series_index=0, series=Case(truth=None), study=None))
    heat = HeatMap("unet", 0, "tumour", "grad-cam", np.ones((2, 2), np.float32), peak=1.0)
    monkeypatch.setattr(heat_checks, "_work", work)
    monkeypatch.setattr(heat_checks, "engine", lambda: None)
    with mock.patch.object(heat_checks.st, "session_state", {}):
        heat_checks.ensure(case, (heat,))
        first = heat_checks._run()
        heat_checks.halt()
        heat_checks.ensure(case, (heat,))
        second = heat_checks._run()
    go.set()
    assert first is not None
    assert second is not None
    assert first.job.stopping
    assert not second.job.stopping
    second.job.join(20)
    assert second.job in asked


@pytest.mark.parametrize("changed", ["running", "result", "verdict", "held_back"])
def test_what_stands_around_the_desk_is_drawn_anew_with_every_change_it_tells_of(changed: str) -> None:
    job = SimpleNamespace(running=False, result=None)
    case = cast("Any", SimpleNamespace(job=job, verdict=None, held_back=False, around=None))
    jobs.page_begins(case)
    assert not jobs.page_is_over(case)
    setattr(job if hasattr(job, changed) else case, changed, True)
    assert jobs.page_is_over(case)
    jobs.page_begins(case)
    assert not jobs.page_is_over(case)


def test_a_row_of_the_queue_opens_the_case_that_it_showed_though_others_have_left_since() -> None:
    waiting = [SimpleNamespace(case_id=number, opened=datetime.now(UTC)) for number in (11, 12, 13)]
    store = cast(
        "Any",
        SimpleNamespace(
            arbitration_queue=lambda: list(waiting),
            archives=lambda: [],
            case=lambda _: SimpleNamespace(archive_id=1, system="brain-mr"),
            peer_reviews=lambda _: [],
        ),
    )
    with mock.patch.object(queue, "st") as page, mock.patch.object(queue.read_case, "choose") as choose:
        queue.show(store)
        del waiting[0]  # another arbiter has settled it
        page.session_state = {queue.KEY: {"selection": {"rows": [2]}}}
        page.dataframe.call_args.kwargs["on_select"]()
    choose.assert_called_once_with(13)


def _marks() -> None:
    from types import SimpleNamespace
    from typing import cast

    import streamlit as st

    from core.simulate.samples import load_sample
    from core.systems import match
    from dashboard.kit.cases import OpenCase
    from dashboard.read import marks

    def change(**values: object) -> None:
        st.session_state["marks"] = values["marks"]

    study = load_sample("brain-mr-04")
    case = OpenCase(study, match(study), "brain-mr", 0)
    form = SimpleNamespace(case_id=1, stage="blind", marks=st.session_state.get("marks", []), change=change)
    marks.listed(cast("Any", form), case)


def test_a_mark_by_numbers_is_set_where_they_say_when_the_button_is_pressed() -> None:
    app = AppTest.from_function(_marks, default_timeout=60).run()
    app.number_input(key="mark-1-blind-x").set_value(10)
    app.number_input(key="mark-1-blind-y").set_value(20)
    app.button(key="mark-1-blind-add").click().run()  # one run: the button is pressed before a page with the numbers
    (one,) = app.session_state["marks"]
    assert (one["x"], one["y"]) == (10, 20)


def _deleted() -> None:
    import streamlit as st

    from core.simulate.samples import load_sample
    from core.systems import match
    from dashboard.kit import cases, held
    from dashboard.review import keeping

    if "begun" not in st.session_state:
        st.session_state["begun"] = True
        study = load_sample("brain-mr-04")
        case = cases.open_case(study, match(study))
        case.token = keeping.uploads().hold(held.Upload(study, case.match), 0)
        st.session_state["opened"] = case
    if cases.current() is not None:
        keeping.show(cases.current())  # type: ignore[arg-type]
    st.text(f"{len(cases.recent())} cases")


def test_an_upload_that_is_deleted_is_none_of_the_latest_cases() -> None:
    from dashboard.kit import who

    app = AppTest.from_function(_deleted, default_timeout=60)
    app.session_state["person"] = who.GUEST
    app.run()
    (delete,) = [one for one in app.button if one.label == "Delete now"]
    delete.click().run()
    assert not app.exception
    assert [one.value for one in app.text] == ["0 cases"]
    assert app.session_state["opened"].closed


def _failed() -> None:
    import streamlit as st

    from core.errors import OverreadError
    from dashboard.kit import cases
    from dashboard.review import sources

    if "begun" not in st.session_state:
        st.session_state["begun"] = True
        st.session_state["upload-error"] = OverreadError("notes.txt: not a picture.")
    sources.from_address()
    sources.upload()
    st.text(str(cases.current() is not None))


def test_what_was_wrong_with_an_upload_is_not_said_beside_the_next_case() -> None:
    app = AppTest.from_function(_failed, default_timeout=60).run()
    assert len(app.error) == 1
    app.query_params["sample"] = "brain-mr-04"
    app.run()
    assert [one.value for one in app.text] == ["True"]
    assert not app.error
