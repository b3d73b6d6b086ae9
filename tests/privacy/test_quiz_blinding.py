"""Nothing computed from the truth or a model of a case leaves the server before a learner has answered it.

Two schools that differ in nothing but the truth of their cases, and in what models said of them: all that the page
sends to a student must be the same in both until the truth is told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.review import Role, Store
from core.review.tables import ItemScore
from core.teaching import advice, attempts, builtin, learners, quizzes
from core.teaching.given import Given
from core.teaching.rules import Rules, Verify
from tests.privacy.quiz_pages import Told, case, page
from tests.review.casebook import person

CASES = 2


def _school(folder: Path, turned: bool) -> tuple[Store, int, int]:
    """Store, user and attempt of a student; ``turned``: every truth and every model's answer is the other one."""
    store = Store.open(str(folder))
    store.local_user()
    archive = store.add_archive(1, "Archive").id or 0
    drafts = [case(store, archive, number, (number % 2 == 0) is not turned) for number in range(CASES)]
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


def _walk(folder: Path, turned: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What a student is sent up to the last case's answer, and what comes after it."""
    monkeypatch.setattr(builtin, "ensure", lambda store: None)
    store, user, attempt = _school(folder, turned)
    learner = learners.of_user(store, user).id or 0
    before = Told(monkeypatch)
    before.hear(page(store, user, None, monkeypatch))
    for place in range(CASES):
        app = page(store, user, attempt, monkeypatch)
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
            before.hear(page(store, user, None, monkeypatch))
    last = attempts.task(store, learner, attempt)
    assert last is not None
    attempts.answer(store, learner, attempt, last.item, last.stage, Given(True, "tumour", 80))
    after = Told(monkeypatch)
    after.hear(page(store, user, attempt, monkeypatch))
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
