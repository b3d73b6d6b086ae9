"""What the head of an archive says of its cases: a recorded diagnosis that no system can place is not passed over."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.review import Store
from tests.review import casebook


def head() -> None:
    import streamlit as st

    from core.review import Store
    from dashboard.archives import state

    store = Store.open(st.session_state["folder"])
    state.overview(store, store.archives()[0])


def test_a_diagnosis_that_fits_no_class_of_the_system_is_told_without_its_words(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    audit = casebook.archive(store)
    casebook.case(store, audit, recorded_text="no tumour")
    casebook.case(store, audit, b"second", recorded_finding=None)  # nothing is recorded of it
    app = AppTest.from_function(head, default_timeout=60)
    app.session_state["folder"] = str(tmp_path)
    app.run()
    assert not app.warning
    casebook.case(store, audit, b"third", system="chest-ct", recorded_finding=None, recorded_text="tumour")
    app.run()
    assert not app.exception
    assert [metric.value for metric in app.metric[:2]] == ["3", "1"]
    assert app.warning[0].value.startswith("1 case of Chest CT with a recorded diagnosis that is none of that system's")
    assert "tumour" not in app.warning[0].value
