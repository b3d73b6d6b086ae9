"""A reader study and the automation-bias laboratory on the pages: made on Teach, read on Learn, analysed on Teach."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.review import Role, Store
from core.teaching import attempts, builtin, learners, quizzes, studies
from core.teaching.plans import Arm, Plan
from core.teaching.rules import Models, Rules, Verify
from dashboard.kit import jobs, who
from tests.review.casebook import person
from tests.teaching import school
from tests.teaching.test_studies import BOTH, LABELS, all_read

PAGES = Path(__file__).resolve().parents[2] / "dashboard" / "pages"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(builtin, "ensure", lambda store: None)
    monkeypatch.setattr(who, "known", lambda: True)
    monkeypatch.setattr(jobs, "ensure", lambda case, engine: None)  # no model is asked
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path))
    store = Store.open(str(tmp_path))
    store.local_user()
    return store


def page(store: Store, name: str, user: int, **address: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120)
    app.session_state["person"] = store.user(user)
    app.session_state["viewer-without-webgl"] = True
    for key, value in address.items():
        app.query_params[key] = value
    return fine(app.run())


def fine(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def said(app: AppTest) -> str:
    """All that is written on a page."""
    return "\n".join([*(text.proto.body for text in app.get("html")), *(text.value for text in app.markdown)])


def press(app: AppTest, label: str) -> AppTest:
    return fine(next(button for button in app.button if button.label == label).click().run())


def test_a_study_is_made_joined_and_begun(house: Store) -> None:
    app = page(house, "teach", 1, section="Reader study")
    app.text_input(key="study-title").input("Does it help?")
    app.number_input(key="study-readers").set_value(2)
    app.number_input(key="power-positives").set_value(30)
    for label in ("tumour", "no tumour"):
        app.number_input(key=f"new-brain-mr-{label}").set_value(2)
    app = press(app, "Simulate such studies")
    assert any("Power" in text.value and "2 readers and 30 + 40 cases" in text.value for text in app.markdown)
    press(app, "Make the study")
    app = page(house, "teach", 1, section="Reader study", study="1")
    assert any("Guests of a class cannot" in text.value for text in app.caption)
    assert any("there is one reader: you" in text.value for text in app.info)
    (made,) = studies.studies(house, 1)
    assert (made.title, Plan.of(made.plan).arms, len(made.sessions)) == ("Does it help?", BOTH, 4)

    user = person(house, "ann", Role.STUDENT)
    app = press(page(house, "learn", user), "Take part")
    app = press(app, "Begin")
    assert any("Case 1 of 4" in text.proto.body for text in app.get("html"))
    (standing,) = studies.offered(house, learners.of_user(house, user).id or 0)
    assert standing.attempt is not None


def test_what_it_came_to_and_the_end_of_a_session(house: Store) -> None:
    drafts = builtin.simulated(school.SYSTEM, LABELS, 5)
    study = studies.make(house, 1, "Two arms", drafts, Plan((Arm.UNAIDED, Arm.CONCURRENT), readers=2, washout=0))
    readers = [school.learner(house, name) for name in ("ann", "bea")]
    all_read(house, study, readers)
    app = page(house, "teach", 1, section="Reader study", study=str(study.id))
    progress, arms, gaps = (table.value for table in app.dataframe)
    assert progress["Sessions done"].tolist() == ["2 of 2", "2 of 2"]
    assert arms["Arm"].tolist() == ["unaided", "concurrent"]
    assert gaps["Holds for"].tolist() == [
        "other readers and cases",
        "other cases",
        "other readers",
        "other readers and cases, bootstrap",
    ]
    assert len(set(gaps["concurrent − unaided"])) == 1
    ended = page(house, "learn", person(house, "cem", Role.STUDENT))
    assert not any("Reader studies" in text.value for text in ended.subheader)  # both places are taken


def test_the_cases_of_a_quiz_are_read_again_with_the_models_from_the_beginning(house: Store) -> None:
    first = school.quiz(house, Rules(models=Models.NEVER))
    app = page(house, "teach", 1, section="New quiz")
    app.text_input(key="new-course-name").input("Later")
    app.text_input(key="new-title").input("Again")
    app.radio(key="new-models").set_value(Models.AT_ONCE)
    app = fine(app.segmented_control(key="new-source").set_value("another quiz").run())
    press(app, "Make the quiz")
    (again,) = [one for one in quizzes.quizzes(house) if one.quiz.title == "Again"]
    places = [[item.place for item in quizzes.items_for(house, 1, number or 0)] for number in (first.id, again.quiz.id)]
    assert places[0] == places[1]

    user = person(house, "ann", Role.STUDENT)
    who_ = learners.of_user(house, user).id or 0
    attempt = school.begun(house, again.quiz.id, who_)
    app = page(house, "learn", user, attempt=str(attempt))
    assert "The models in sight" in said(app)
    while attempts.task(house, who_, attempt) is not None:
        school.say(house, who_, attempt)
    app = page(house, "learn", user, attempt=str(attempt))
    assert "2 of 4 cases right" in said(app)
    assert "with the models in sight" in said(app)
    app = page(house, "teach", 1, section="Results", quiz=str(again.quiz.id))
    assert app.dataframe[0].value["Answers"].tolist() == [1] * 4
    assert any("First answers, with the models" in text.value for text in app.caption)


def test_what_is_taken_along_while_a_class_is_open_comes_with_a_warning(house: Store) -> None:
    quiz = school.quiz(house, labels=["tumour"]).id or 0

    def warned() -> bool:
        app = page(house, "teach", 1, section="Cases", quiz=str(quiz))
        return any("can read it before answering" in text.value for text in app.caption)

    assert not warned()
    learners.open_class(house, 1, quiz)
    assert warned()


def test_a_planted_ai_is_made_read_and_told(house: Store) -> None:
    app = page(house, "teach", 1, section="New quiz")
    app.text_input(key="new-course-name").input("Laboratory")
    app.text_input(key="new-title").input("With help")
    app.radio(key="new-models").set_value(Models.SECOND).run()
    app.toggle(key="new-planted").set_value(True)
    for label in ("tumour", "no tumour"):
        app.number_input(key=f"new-brain-mr-{label}").set_value(2)
    press(fine(app.run()), "Make the quiz")
    (quiz,) = quizzes.quizzes(house)
    assert (quiz.rules.planted, quiz.rules.verify) == (0.3, Verify.AT_END)

    user = person(house, "ann", Role.STUDENT)
    who_ = learners.of_user(house, user).id or 0
    attempt = school.begun(house, quiz.quiz.id, who_)
    assert "The AI’s answer" not in said(page(house, "learn", user, attempt=str(attempt)))
    school.say(house, who_, attempt)
    told = said(page(house, "learn", user, attempt=str(attempt)))
    assert "The AI’s answer" in told
    assert "planted" not in told
    while attempts.task(house, who_, attempt) is not None:
        school.say(house, who_, attempt)
    app = page(house, "learn", user, attempt=str(attempt))
    assert "The AI of this quiz was planted" in app.warning[0].value
    assert "Planted AI" in app.dataframe[0].value.columns
    app = page(house, "learn", user, attempt=str(attempt), look="1")
    assert any("planted AI said" in text.value for text in app.markdown)
    app = page(house, "teach", 1, section="Results", quiz=str(quiz.quiz.id))
    assert any("a planted AI" in text.value for text in app.markdown)
    assert app.dataframe[0].value["Reader"].tolist() == ["ann"]
    page(house, "teach", 1, section="Cases", quiz=str(quiz.quiz.id))
