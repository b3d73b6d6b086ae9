"""A click inside a fragment counts, though the whole page is drawn meanwhile: then its run is one of the whole page."""

from __future__ import annotations

import ast
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


def page() -> None:
    from types import SimpleNamespace
    from typing import Any, cast
    from unittest import mock

    import numpy as np

    from core.engine.uncertainty import Spread, Uncertainty
    from dashboard.review import uncertainty_line

    found = Uncertainty(0, (Spread("unet", "U-Net", ("as it is", "mirrored"), np.array([0.9, 0.8]), 0.5),))
    review = cast("Any", SimpleNamespace(ready=(True,), votes=[SimpleNamespace(counted=())]))
    case = cast("Any", SimpleNamespace(system="brain-mr", series_index=0, spreads={}, key="k", study=None))
    engine = SimpleNamespace(uncertainty=lambda *_: found)
    with mock.patch.object(uncertainty_line, "engine", return_value=engine):
        uncertainty_line.show(case, review, 0)


def test_how_steady_an_answer_is_shows_in_the_run_of_the_click() -> None:
    app = AppTest.from_function(page, default_timeout=60).run()
    assert "One model answers" in app.markdown[0].value
    assert not app.expander
    app.button[0].click().run()  # AppTest always runs the whole script
    assert not app.error
    assert not app.exception
    assert "small changes of the slice move no answer" in app.markdown[0].value
    assert [one.label for one in app.expander] == ["Numbers behind it"]
    assert not app.button


def test_no_page_asks_for_a_rerun_of_its_fragment_alone() -> None:
    """Streamlit raises for it where the fragment runs with the whole page: a click that met a redraw would fail."""
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "dashboard").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "rerun"
        and "'fragment'" in ast.unparse(node)
    ]
    assert asked == []


def test_what_asks_by_itself_is_no_use_of_a_sign_in() -> None:
    """Or a page that nobody looks at would never be cleared (``who.touch``)."""
    polled = [
        (path, one)
        for path in sorted((ROOT / "dashboard").rglob("*.py"))
        for tree in [ast.parse(path.read_text(encoding="utf-8"))]
        for name in _polled(tree)
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef) and one.name == name
    ]
    assert len(polled) > 8
    touching = [
        f"{path.relative_to(ROOT)}:{one.name}"
        for path, one in polled
        if any(ast.unparse(line) == "who.touch()" for line in one.body)
    ]
    assert touching == []


def _polled(tree: ast.Module) -> set[str]:
    """Names of functions that run again by themselves."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any("run_every" in ast.unparse(one) for one in node.decorator_list):
            found.add(node.name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "st.fragment" and node.args:
            found.add(ast.unparse(node.args[0]))
    return found
