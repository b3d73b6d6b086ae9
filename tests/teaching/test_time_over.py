"""When the time for a case is over the page takes what was said, once, and goes on: also where nobody watches it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.review import Store
from core.review.tables import QuizAnswer, QuizDraft
from core.teaching import attempts, learners
from core.teaching.rules import Models, Rules, Verify
from dashboard.kit import who
from dashboard.learn.question import OVER
from tests.teaching import school

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "classroom.py"
WHOLE = {"finding": True, "label": "tumour", "confidence": 70}


@pytest.mark.parametrize("verify", [Verify.AT_ONCE, Verify.AT_END])
@pytest.mark.parametrize("content", [WHOLE, {"finding": True, "label": "tumour"}])
def test_the_page_takes_the_answer_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify: Verify, content: dict[str, Any]
) -> None:
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path))
    store = Store.open(str(tmp_path))
    rules = Rules(models=Models.NEVER, shuffle=False, seconds=60, verify=verify)
    quiz = school.quiz(store, rules).id or 0
    guest, secret = learners.join(store, learners.open_class(store, school.teacher(store), quiz))
    attempt = school.begun(store, quiz, guest.id or 0)
    attempts.save(store, guest.id or 0, school.next_task(store, guest.id or 0, attempt), content)
    with store.writing() as session:
        (draft,) = session.exec(select(QuizDraft))
        draft.started -= timedelta(seconds=62)
        session.add(draft)
    app = AppTest.from_file(str(PAGE), default_timeout=30)
    app.session_state["person"] = who.GUEST
    app.session_state["viewer-without-webgl"] = True
    app.query_params["me"] = secret
    app.run()
    assert not app.exception
    assert not app.error
    with store.reading() as session:
        (answer,) = session.exec(select(QuizAnswer))
    whole = content is WHOLE
    assert (answer.finding, answer.confidence, answer.late) == ((True, 70, False) if whole else (None, None, True))
    if verify is Verify.AT_ONCE:
        told = "you said tumour, 70 % sure" if whole else "no answer in time"
        assert any(told in text.value for text in app.markdown)
    else:
        assert [told.value for told in app.info] == [OVER]
        assert any("Case 2 of 4" in one.proto.body for one in app.get("html"))
