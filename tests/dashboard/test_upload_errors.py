"""What the page says of an upload that cannot be read names nobody, and neither does the log."""

from __future__ import annotations

import logging

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.review.sources import told_names


def _page(name: str, fault: str) -> None:
    """A page that takes one file; reading it fails as ``fault`` says."""
    import streamlit as st

    from core import imaging
    from dashboard.kit import messages
    from dashboard.review import sources

    if fault:

        def broken(*_: object, **__: object) -> None:
            raise ValueError(fault)

        imaging.read = broken  # type: ignore[assignment]
    if "done" not in st.session_state:
        st.session_state["done"] = True
        st.session_state["upload-generation"] = 0
        sources._take([(name, b"These are my notes, not a picture.")])
    messages.show(st.session_state["upload-error"])


def test_names_that_may_be_somebodys_are_told_as_numbers() -> None:
    files = ["axial_t2.png", "Quill^Maud.dcm", "C:\\\\scans\\\\QM-1961-03-04.png", "b.png"]
    assert told_names(files) == "axial_t2.png, file 2, file 3 and more"


def test_the_page_names_nobody() -> None:
    app = AppTest.from_function(_page, args=("Quill_Maud_19610304.png", ""), default_timeout=60).run()
    assert not app.exception
    (said,) = (e.value for e in app.error)
    assert "file 1" in said
    assert "Quill" not in said
    assert "1961" not in said


def test_neither_page_nor_log_repeats_what_an_exception_says(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import imaging

    monkeypatch.setattr(imaging, "read", imaging.read)  # put back what the page replaces
    with caplog.at_level(logging.DEBUG):
        fault = "no such file: /scans/Quill^Maud/1961.dcm"
        app = AppTest.from_function(_page, args=("axial.png", fault), default_timeout=60).run()
    (said,) = (e.value for e in app.error)
    assert "Something went wrong inside Overread" in said
    assert "unexpected failure: ValueError" in caplog.text
    assert "Quill" not in said + caplog.text
