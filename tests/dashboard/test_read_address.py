"""The address of a case that is read holds its slice, and forgets it with the case."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    from types import SimpleNamespace
    from typing import Any, cast
    from unittest import mock

    import streamlit as st

    from core.simulate.samples import load_sample
    from core.systems import match
    from dashboard.kit import slices
    from dashboard.read import case as read_case

    study = load_sample("brain-mr-01")
    found = match(study)
    image = SimpleNamespace(
        study=study, match=found, system=found.system, series_index=found.series_index, originals=()
    )
    record = cast("Any", SimpleNamespace(id=int(st.query_params["case"])))
    store = cast("Any", SimpleNamespace(measurements=lambda *_: {}, keep_measurements=lambda *_: None))
    with mock.patch.object(read_case, "opened", return_value=image), mock.patch.object(read_case.who, "number"):
        st.write(f"slice {slices.index(read_case.on_desk(store, record)) + 1}")
    st.button("Next", on_click=read_case.choose, args=(2,))


def test_a_reload_comes_back_to_the_slice_and_the_next_case_begins_in_its_middle() -> None:
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["case"], app.query_params["slice"] = "1", "4"
    app.query_params["section"] = "Opinion"
    app.run()
    assert app.markdown[0].value == "slice 4"
    app.button[0].click().run()
    assert app.markdown[0].value == "slice 8"  # the middle of fourteen
    assert "slice" not in app.query_params
    assert "section" not in app.query_params  # once locked, it begins with the models' answers
    app.query_params["slice"] = "99"
    app.session_state["read-case"] = None
    app.run()
    assert app.markdown[0].value == "slice 8"
    assert not app.exception
