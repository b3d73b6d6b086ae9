"""A failure on a page is told once, in plain words."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from dashboard.kit import messages

    @st.fragment
    def part() -> None:
        raise ValueError("of a patient")

    with messages.shown():
        part()
    st.write("goes on")


def outside() -> None:
    import streamlit as st

    from dashboard.kit import messages

    with messages.shown():
        raise ValueError("of a patient")
    st.write("goes on")


def test_a_failure_of_a_fragment_is_told_once() -> None:
    app = AppTest.from_function(page, default_timeout=60).run()
    told = [*app.exception, *app.error]
    assert len(told) == 1  # Streamlit's own handler is `messages.replace_trace` in the running dashboard


def test_a_failure_of_a_page_is_told_without_its_words_and_the_page_goes_on() -> None:
    app = AppTest.from_function(outside, default_timeout=60).run()
    assert len(app.error) == 1
    assert "of a patient" not in app.error[0].value
    assert app.markdown[-1].value == "goes on"
