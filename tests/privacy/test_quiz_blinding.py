"""Nothing computed from the truth or a model of a case leaves the server before a learner has answered it.

Two schools that differ in nothing but the truth of their cases, and in what models said of them: all that the page
sends to a student must be the same in both until the truth is told.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import imaging
from core.review import FileRole, Role, Store
from core.review.tables import ItemScore
from core.teaching import advice, attempts, builtin, learners, quizzes
from core.teaching.given import Given
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Rules, Source, Verify
from dashboard.kit import viewer
from tests.dashboard.readings import head
from tests.review.casebook import person

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "learn.py"
CASES = 2


def _case(store: Store, archive: int, number: int, lesion: bool) -> ItemDraft:
    image, mask = head(number), np.zeros((128, 128), np.uint8)
    if lesion:
        mask[40:60, 70:90] = 255
    out = io.BytesIO()
    Image.fromarray(mask).save(out, format="PNG")
    files = [
        ("0001.png", store.put_image(image), len(image), FileRole.IMAGE),
        ("0002_mask.png", store.put_image(out.getvalue()), len(out.getvalue()), FileRole.TRUTH),
    ]
    study = imaging.read([("0001.png", image)])
    label = "tumour" if lesion else "no tumour"
    made, _ = store.add_case(
        1, archive, content_hash=study.sha256, source="a", files=files, system="brain-mr",
        recorded_finding=lesion, recorded_label=label, recorded_text=f"says {label}",
    )  # fmt: skip
    return ItemDraft(Source.CASE, {"case": made.id}, hint="Compare the halves.", note=f"It is {label}.")


def _school(folder: Path, turned: bool) -> tuple[Store, int, int]:
    """Store, user and attempt of a student; ``turned``: every truth and every model's answer is the other one."""
    store = Store.open(str(folder))
    store.local_user()
    archive = store.add_archive(1, "Archive").id or 0
    drafts = [_case(store, archive, number, (number % 2 == 0) is not turned) for number in range(CASES)]
    course = quizzes.add_course(store, 1, "Course")
    quiz = quizzes.add_quiz(store, 1, course.id or 0, "Quiz", drafts, Rules(verify=Verify.AT_END))
    scores = [
        ItemScore(
            item_id=item.id or 0, model="unet", title="U-Net", weights_sha256="a" * 64,
            finding=0.9173 if item.finding else 0.0827, threshold=0.5,
        )
        for item in quizzes.items_for(store, 1, quiz.id or 0)
    ]  # fmt: skip
    advice.keep(store, scores)
    user = person(store, "student", Role.STUDENT)
    learner = learners.of_user(store, user).id or 0
    return store, user, attempts.begin(store, learner, quiz.id or 0).id or 0


class Told:
    """All that pages sent: their elements, and the data of the viewer's pictures."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[str] = []

        def heard(**given: Any) -> dict[str, Any]:
            self.heard.append(json.dumps({"key": given.get("key"), "data": given.get("data")}))
            return {}

        monkeypatch.setattr(viewer, "_component", heard)

    def hear(self, app: AppTest) -> None:
        """Take what a run drew."""
        assert not app.exception
        assert not app.error
        self.take(app)

    def take(self, app: AppTest) -> None:
        """Every element as it goes to the browser."""
        waiting: list[Any] = [app._tree]
        while waiting:
            node = waiting.pop()
            self.heard.append(str(getattr(node, "proto", "")))
            waiting += list(getattr(node, "children", {}).values())

    def text(self) -> str:
        """Without what differs between any two runs: moments and how long things took."""
        return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", "?", "\n".join(self.heard))


def _page(store: Store, user: int, attempt: int | None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("OVERREAD_STORE", str(store.images_folder.parent))
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.session_state["person"] = store.user(user)
    app.session_state["viewer-without-webgl"] = True
    if attempt is not None:
        app.query_params["attempt"] = str(attempt)
    return app.run()


def _walk(folder: Path, turned: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What a student is sent up to the last case's answer, and what comes after it."""
    monkeypatch.setattr(builtin, "ensure", lambda store: None)
    store, user, attempt = _school(folder, turned)
    learner = learners.of_user(store, user).id or 0
    before = Told(monkeypatch)
    before.hear(_page(store, user, None, monkeypatch))
    for place in range(CASES):
        app = _page(store, user, attempt, monkeypatch)
        before.hear(app)
        next(one for one in app.button if one.label == "A hint").click().run()
        before.hear(app)
        app.query_params["look"] = str(place + 1)
        peeked = app.run()
        assert any("not shown to you yet" in error.value for error in peeked.error)
        before.take(peeked)
        task = attempts.task(store, learner, attempt)
        assert task is not None
        mark = {"kind": "point", "slice": 0, "x": 80.0, "y": 50.0}  # on the lesion, where there is one
        if place < CASES - 1:
            attempts.answer(store, learner, attempt, task.item, task.stage, Given(True, "tumour", 80, [mark]))
            before.hear(_page(store, user, None, monkeypatch))
    last = attempts.task(store, learner, attempt)
    assert last is not None
    attempts.answer(store, learner, attempt, last.item, last.stage, Given(True, "tumour", 80))
    after = Told(monkeypatch)
    after.hear(_page(store, user, attempt, monkeypatch))
    store.close()
    return before.text(), after.text()


def test_a_page_says_the_same_whatever_the_truth_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _walk(tmp_path / "plain", False, monkeypatch)
    turned = _walk(tmp_path / "turned", True, monkeypatch)
    assert plain[0] == turned[0]
    assert "data:image/png" in plain[0]
    assert "Compare the halves." in plain[0]
    for secret in ("It is ", "0.9173", "0.0827", "says ", "a.png", "_mask"):
        assert secret not in plain[0]
    assert plain[1] != turned[1]  # told at the end: else the test would hold for nothing
