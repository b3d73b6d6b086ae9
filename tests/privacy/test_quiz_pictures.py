"""A picture that waits for an answer in a quiz: no gallery and no showcase shows its truth or a model's map."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.review import Store
from core.review.tables import Attempt
from core.review.vocabulary import now
from core.simulate.samples import load_sample
from core.systems import SYSTEMS
from core.teaching import attempts, held, learners, quizzes
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Models, Rules, Source, Verify
from tests.teaching import school

SAMPLE = next(system.showcase for system in SYSTEMS.values() if system.showcase)
OTHER = "brain-mr-04"


def _quiz(store: Store) -> int:
    course = quizzes.add_course(store, 1, "Course")
    rules = Rules(verify=Verify.AT_END, models=Models.NEVER, shuffle=False)
    drafts = [ItemDraft(Source.SAMPLE, {"sample": one}) for one in (SAMPLE, OTHER)]
    return quizzes.add_quiz(store, 1, course.id or 0, "Quiz", drafts, rules).id or 0


def test_a_picture_saved_again_is_known_until_its_truth_is_told(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.local_user()
    quiz, me = _quiz(store), learners.of_user(store, 1).id or 0
    plane = load_sample(SAMPLE).series[0].pixels[0]
    again = np.fliplr(np.clip(plane * 0.8 + 12, 0, 255)).astype(np.uint8)  # mirrored, paler, as bytes
    unrelated = load_sample("brain-type-03").series[0].pixels[0]
    assert not held.picture_in_quiz(store, 1, plane)
    attempt = school.begun(store, quiz, me)
    assert held.picture_in_quiz(store, 1, plane)
    assert held.picture_in_quiz(store, 1, again)
    assert not held.picture_in_quiz(store, 1, unrelated)
    school.say(store, me, attempt)
    assert held.picture_in_quiz(store, 1, plane)  # answered, not told yet
    school.say(store, me, attempt)
    assert not held.picture_in_quiz(store, 1, again)
    store.close()


def test_who_is_in_a_closed_class_may_finish_unhelped_for_a_day(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.local_user()
    quiz = _quiz(store)
    guest, _ = learners.join(store, learners.open_class(store, 1, quiz))
    attempt = attempts.begin(store, guest.id or 0, quiz).id
    study = load_sample(OTHER)
    learners.close_class(store, 1, quiz)
    assert held.in_quiz(store, 1, study)  # without sign-in a guest's phone opens the local user's pages
    with store.writing() as session:
        made = session.get_one(Attempt, attempt)
        made.started = now() - timedelta(days=2)
        session.add(made)
    assert not held.in_quiz(store, 1, study)  # nobody comes back: it is free again
    store.close()


def _showcase() -> None:
    from dashboard.home import showcase

    showcase.show()


def test_home_shows_no_truth_of_a_case_of_a_quiz_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path / "empty"))
    store = Store.open(str(tmp_path / "store"))
    store.local_user()
    quiz, me = _quiz(store), learners.of_user(store, 1).id or 0

    def home() -> str:
        app = AppTest.from_function(_showcase, default_timeout=120)
        app.session_state["person"] = store.user(1)
        app.run()
        assert not app.exception
        assert not app.error, [error.value for error in app.error]
        return "\n".join([*(text.value for text in app.caption), *(one.proto.body for one in app.get("html"))])

    assert "the true outline of the tumour" in home()
    attempt = school.begun(store, quiz, me)
    told = home()
    assert "the true outline" not in told
    assert "a case of a quiz that you have begun" in told
    for _ in range(2):
        school.say(store, me, attempt)
    assert "the true outline of the tumour" in home()
    store.close()
