"""A review may end while its page is drawn; what was drawn before its end does not stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import places
from dashboard.kit import cases, jobs, who
from dashboard.review import study_bar


def test_the_image_check_is_not_told_to_be_under_way_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[bool] = []
    show = study_bar.show

    def shown(case: cases.OpenCase) -> None:
        drawn.append(jobs.running(case))
        show(case)
        assert case.job is not None
        case.job.join(120)

    monkeypatch.setattr(study_bar, "show", shown)
    app = AppTest.from_file(str(Path(places.HOME) / "dashboard" / "pages" / "review.py"), default_timeout=240)
    app.session_state["person"] = who.GUEST
    app.session_state["viewer-without-webgl"] = True
    app.query_params["sample"] = "breast-mri-02"
    app.run()
    assert not app.exception
    assert drawn == [True, False]
    said = [one.value for one in (*app.markdown, *app.caption)]
    assert any("Image check: passed" in text for text in said)
    assert not any("Image check under way" in text for text in said)
