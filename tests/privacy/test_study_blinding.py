"""A planted AI and a reader study tell nothing of the truth, and nobody but its learner or teacher is told anything.

As for quizzes: two schools that differ in nothing but the truth of their cases (and in what models said of them) send
the same, here with the same planted answers in both.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowedError
from core.review import Role, Store
from core.review.tables import ItemScore, PlantedAnswer, QuizItem, StudyArm
from core.teaching import advice, attempts, builtin, learners, quizzes, results, studies, study_outcome
from core.teaching.given import Given
from core.teaching.plans import Arm, Plan
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Models, Rules, Stage, Verify
from dashboard.kit import jobs, who
from tests.privacy.quiz_pages import PAGES, Told, case, page
from tests.review.casebook import person

LOOKED = 2  # cases whose pages are drawn; the others are answered
SECRETS = (
    "It is ",
    "0.9173",
    "0.0827",
    "says tumour",
    "says no tumour",
    "a.png",
    "_mask",
    "wrong on purpose",
    "planted AI",
)


def _drafts(store: Store, turned: bool, count: int) -> list[ItemDraft]:
    archive = store.add_archive(1, "Archive").id or 0
    return [case(store, archive, number, (number % 2 == 0) is not turned) for number in range(count)]


def _scored(store: Store) -> None:
    """What models said, right in both schools."""
    with store.reading() as session:
        items = list(session.exec(select(QuizItem)))
    advice.keep(
        store,
        [
            ItemScore(
                item_id=item.id or 0, model="unet", title="U-Net", weights_sha256="a" * 64,
                finding=0.9173 if item.finding else 0.0827, threshold=0.5,
            )
            for item in items
        ],
    )  # fmt: skip


def _planted(folder: Path, turned: bool) -> tuple[Store, int, int]:
    """Store, user and attempt; the AI says the same in both schools."""
    store = Store.open(str(folder))
    store.local_user()
    course = quizzes.add_course(store, 1, "Course")
    rules = Rules(models=Models.SECOND, verify=Verify.AT_END, planted=0.5, shuffle=False)
    quiz = quizzes.add_quiz(store, 1, course.id or 0, "Quiz", _drafts(store, turned, LOOKED), rules).id or 0
    with store.writing() as session:
        for row, finding in zip(session.exec(select(PlantedAnswer)), (True, False), strict=True):
            row.finding, row.probability = finding, 0.84 if finding else 0.16
            session.add(row)
    _scored(store)
    user = person(store, "student", Role.STUDENT)
    learner = learners.of_user(store, user).id or 0
    return store, user, attempts.begin(store, learner, quiz).id or 0


def _study(folder: Path, turned: bool) -> tuple[Store, int, int]:
    """Store, user and the session of a reader as second reader."""
    store = Store.open(str(folder))
    store.local_user()
    study = studies.make(store, 1, "Study", _drafts(store, turned, 4), Plan((Arm.SECOND,), readers=2)).id or 0
    _scored(store)
    user = person(store, "student", Role.STUDENT)
    learner = learners.of_user(store, user).id or 0
    studies.join(store, learner, study)
    return store, user, studies.begin(store, learner, study).id or 0


def _walk(store: Store, user: int, attempt: int, monkeypatch: pytest.MonkeyPatch, *, whole: bool) -> str:
    """What a student is sent, answer by answer; ``whole``: after the last one, too."""
    learner = learners.of_user(store, user).id or 0
    sent = Told(monkeypatch)
    sent.hear(page(store, user, None, monkeypatch))
    while (task := attempts.task(store, learner, attempt)) is not None:
        if task.place <= LOOKED:
            app = page(store, user, attempt, monkeypatch)
            before = len(sent.heard)
            sent.hear(app)
            assert ("The AI’s answer" in "".join(sent.heard[before:])) is (task.stage is Stage.ADVISED and not whole)
        if task.place == 1:
            app.query_params["look"] = "1"
            peeked = app.run()
            assert any("not shown to you yet" in error.value for error in peeked.error)
            sent.take(peeked)
        mark = {"kind": "point", "slice": 0, "x": 80.0, "y": 50.0}  # on the lesion, where there is one
        attempts.answer(store, learner, attempt, task.item, task.stage, Given(True, "tumour", 80, [mark]))
    if whole:
        sent.hear(page(store, user, attempt, monkeypatch))
        sent.hear(page(store, user, None, monkeypatch))
    return sent.text()


@pytest.mark.parametrize(("make", "whole"), [(_planted, False), (_study, True)], ids=["planted AI", "second reader"])
def test_the_same_is_sent_whatever_the_truth_is(
    make: object, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtin, "ensure", lambda store: None)
    monkeypatch.setattr(jobs, "ensure", lambda case, engine: None)  # no model is asked: theirs would differ by nothing
    sent = []
    for name, turned in (("plain", False), ("turned", True)):
        store, user, attempt = make(tmp_path / name, turned)  # type: ignore[operator]
        sent.append(_walk(store, user, attempt, monkeypatch, whole=whole))
        store.close()
    assert sent[0] == sent[1]
    assert "data:image/png" in sent[0]
    for secret in SECRETS:
        assert secret not in sent[0]


def _everything(app: AppTest) -> str:
    found, waiting = [], [app._tree]
    while waiting:
        node = waiting.pop()
        found.append(str(getattr(node, "proto", "")))
        waiting += list(getattr(node, "children", {}).values())
    return "\n".join(found)


def test_who_is_neither_its_learner_nor_its_teacher_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtin, "ensure", lambda store: None)
    monkeypatch.setattr(who, "known", lambda: True)
    store, user, attempt = _planted(tmp_path, False)
    learner = learners.of_user(store, user).id or 0
    while (task := attempts.task(store, learner, attempt)) is not None:
        attempts.answer(store, learner, attempt, task.item, task.stage, Given(True, "tumour", 80))
    other = person(store, "other", Role.STUDENT)
    learners.of_user(store, other)
    for look in (None, "1"):  # an address copied from a colleague who has finished
        app = page(store, other, None, monkeypatch)
        app.query_params["attempt"] = str(attempt)
        if look is not None:
            app.query_params["look"] = look
        app.run()
        assert any("no such attempt of yours" in error.value for error in app.error)
        assert not any(secret in _everything(app) for secret in SECRETS)
    for section in ("Results", "Class", "Cases", "Reader study"):  # the teacher's page, reached past the menu
        app = AppTest.from_file(str(PAGES / "teach.py"), default_timeout=120)
        app.session_state["person"] = store.user(other)
        app.query_params["section"], app.query_params["quiz"] = section, "1"
        app.run()
        assert not any(secret in _everything(app) for secret in SECRETS)
    with store.reading() as session:
        assert session.exec(select(StudyArm)).first() is None
    for ask in (quizzes.items_for, results.of_quiz, study_outcome.readings):
        with pytest.raises(NotAllowedError):
            ask(store, other, 1)
    store.close()
