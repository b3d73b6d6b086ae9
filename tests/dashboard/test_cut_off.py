"""A run of a page may be cut off by the next one wherever it draws; what was uploaded is found by that next one."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.testing.v1 import AppTest

from dashboard.kit import who

PICTURE = Path(__file__).resolve().parents[2] / "data" / "samples" / "brain-mr-03.png"


class CutOff:
    """Stands for the spinner; the first ones are where another run cuts in, entering or leaving."""

    def __init__(self, *, entering: int = 0, leaving: int = 0) -> None:
        self.entering, self.leaving, self.begun = entering, leaving, 0

    def __call__(self, _: str) -> CutOff:
        return self

    def __enter__(self) -> None:
        self.begun += 1
        if self.begun <= self.entering:
            raise RerunException(RerunData())

    def __exit__(self, *_: object) -> None:
        if self.begun <= self.leaving:
            raise RerunException(RerunData())


def opens() -> None:
    import streamlit as st

    from dashboard.kit import cases
    from dashboard.review import sources

    sources.received()
    case = cases.current()
    if case is None:
        sources.upload()
    else:
        st.text(f"{len(case.study.series)} series, {case.series.slices} slice, held: {case.token is not None}")


def sees_late() -> None:
    import streamlit as st

    from dashboard.kit import cases
    from dashboard.review import sources

    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    if st.session_state["runs"] != 2:  # the run that was asked for by what was given
        sources.received()
    case = cases.current()
    if case is None:
        sources.upload()
    else:
        st.text(f"{case.series.slices} slice")


def brings_in() -> None:
    import streamlit as st

    from core.review import Store
    from dashboard.archives import bring_in

    store = Store.open(st.session_state["folder"])
    actor = store.local_user().number or 0
    kept = store.archives() or [store.add_archive(actor, "Audit")]
    bring_in.show(store, actor, kept[0].id or 0)


@pytest.mark.parametrize("spinner", [CutOff(entering=2), CutOff(leaving=2)], ids=["entering", "leaving"])
def test_a_scan_given_to_review_is_opened_by_the_run_that_cut_in(spinner: CutOff) -> None:
    app = AppTest.from_function(opens, default_timeout=60)
    app.session_state["person"] = who.GUEST
    app.run()
    with mock.patch.object(st, "spinner", spinner):
        app.file_uploader[0].set_value((PICTURE.name, PICTURE.read_bytes(), "image/png")).run()
    assert spinner.begun == 3
    assert [text.value for text in app.text] == ["1 series, 1 slice, held: True"]
    assert not app.file_uploader


def test_a_scan_that_a_run_learns_of_only_from_the_uploader_is_opened_by_the_next() -> None:
    app = AppTest.from_function(sees_late, default_timeout=60)
    app.session_state["person"] = who.GUEST
    app.run()
    app.file_uploader[0].set_value((PICTURE.name, PICTURE.read_bytes(), "image/png")).run()
    assert [text.value for text in app.text] == ["1 slice"]
    assert app.session_state["runs"] == 3


@pytest.mark.parametrize("spinner", [CutOff(entering=2), CutOff(leaving=1)], ids=["entering", "leaving"])
def test_cases_given_to_an_archive_are_unpacked_by_the_run_that_cut_in(spinner: CutOff, tmp_path: Path) -> None:
    app = AppTest.from_function(brings_in, default_timeout=60)
    app.session_state["folder"] = str(tmp_path)
    app.run()
    with mock.patch.object(st, "spinner", spinner):
        app.file_uploader[0].set_value((PICTURE.name, PICTURE.read_bytes(), "image/png")).run()
    assert not app.exception
    assert "**Your upload of 1 file**" in [text.value for text in app.markdown]
