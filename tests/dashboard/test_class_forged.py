"""What a student could do who speaks to the class's page without a browser: nothing that its page does not offer."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlmodel import col, select

from core.review.tables import Attempt, Learner, QuizAnswer
from core.systems import SYSTEMS
from core.teaching import builtin, learners, quizzes
from core.teaching.rules import Models, Rules, Verify
from tests.dashboard.ward import School
from tests.teaching import school
from tests.teaching.phone import Phone

pytestmark = pytest.mark.browser  # beside those that need one: they share its server
NAME, SEEN, SURE, GIVE = (
    "Name for the teacher's list (may be made up)",
    "What do you see?",
    "How sure are you?",
    "This is my answer",
)
NOT_YET = "is not shown to you yet"


def made(lesson: School, rules: Rules, labels: Sequence[str] = school.LABELS) -> tuple[int, str]:
    """A quiz, and the code of its class."""
    quiz = school.quiz(lesson.store, rules, labels).id or 0
    return quiz, learners.open_class(lesson.store, school.teacher(lesson.store), quiz)


@contextmanager
def student(lesson: School, code: str, name: str = "") -> Iterator[Phone]:
    """One who is at the first case."""
    with Phone(lesson.house.url, "class", f"code={code}") as phone:
        phone.write(NAME, name)
        phone.press("Join")
        phone.press("Begin")
        assert "Case 1 of" in phone.text
        yield phone


def given(lesson: School, quiz: int) -> list[QuizAnswer]:
    """All answers of a quiz, as they were given."""
    with lesson.store.reading() as session:
        mine = select(Attempt.id).where(Attempt.quiz_id == quiz)
        return list(
            session.exec(select(QuizAnswer).where(col(QuizAnswer.attempt_id).in_(mine)).order_by(col(QuizAnswer.id)))
        )


def test_a_button_that_is_grey_or_on_another_page_does_nothing(lesson: School) -> None:
    quiz, code = made(lesson, Rules(verify=Verify.AT_ONCE, models=Models.NEVER, shuffle=False))
    with student(lesson, code) as ada, student(lesson, code) as bo:
        ada.choose(SEEN, "tumour")
        grey, fragment = ada.find("button", GIVE)
        assert grey.disabled
        ada.say(grey.id, fragment, trigger_value=True)
        assert given(lesson, quiz) == []
        assert "Case 1 of 4" in ada.text
        ada.choose(SURE, "70 %")
        ada.press(GIVE)
        ahead, _ = ada.find("button", "Next case")
        for widget, where in ((ahead.id, ""), (grey.id, bo.find("button", GIVE)[1]), ("$$ID-none-none", "")):
            bo.say(widget, where, trigger_value=True)
            assert "Case 1 of 4" in bo.text
            assert "The truth" not in bo.text
        assert len(given(lesson, quiz)) == 1


def test_what_nobody_could_choose_is_not_an_answer(lesson: School) -> None:
    quiz, code = made(lesson, Rules(models=Models.NEVER, shuffle=False))
    with student(lesson, code) as phone:
        for label, option in ((SEEN, "nonsense"), (SURE, "101 %"), (SURE, "-1")):
            phone.run(phone.set("button_group", label, string_array_value=[option]))
            assert phone.find("button", GIVE)[0].disabled
        phone.choose(SEEN, "tumour")
        phone.choose(SURE, "60 %")
        phone.press(GIVE)
    (answer,) = given(lesson, quiz)
    assert (answer.finding, answer.label, answer.confidence) == (True, "tumour", 60)


def test_an_answer_and_a_class_that_contradict_each_other_are_not_kept(lesson: School) -> None:
    """The class of a finding, said in the same breath as that there is none."""
    actor = school.teacher(lesson.store)
    course = quizzes.add_course(lesson.store, actor, "Kinds").id or 0
    drafts = builtin.simulated("brain-type", ["glioma", "no tumour"], 5)
    quiz = quizzes.add_quiz(lesson.store, actor, course, "Kinds", drafts, Rules(models=Models.NEVER)).id or 0
    system = SYSTEMS["brain-type"]
    with student(lesson, learners.open_class(lesson.store, actor, quiz)) as phone:
        phone.choose(SEEN, system.finding)
        phone.choose(SURE, "90 %")
        phone.set("button_group", SEEN, string_array_value=[system.clear])
        phone.run(phone.set("button_group", "Class", string_array_value=["glioma"]))
        phone.press(GIVE)
    (answer,) = given(lesson, quiz)
    assert answer.finding is False
    assert answer.label == "no tumour"


@pytest.mark.parametrize("verify", [Verify.AT_ONCE, Verify.AT_END])
def test_back_and_two_tabs_lead_to_no_truth_and_no_second_answer(lesson: School, verify: Verify) -> None:
    quiz, code = made(lesson, Rules(verify=verify, models=Models.NEVER, shuffle=False))
    at_once = verify is Verify.AT_ONCE
    with student(lesson, code) as phone, Phone(lesson.house.url, "class", phone.query) as twin:
        door, home = f"code={code}", phone.query
        for look in (1, 2, 4):
            phone.go(f"{home}&look={look}")
            assert NOT_YET in phone.text
        phone.go(home)
        for tab, sure in ((phone, "60 %"), (twin, "95 %")):
            tab.choose(SEEN, "tumour")
            tab.choose(SURE, sure)
        phone.press(GIVE)
        twin.press(GIVE)
        assert [one.confidence for one in given(lesson, quiz)] == [60]
        if at_once:
            assert "60 % sure" in twin.text
            twin.press("Next case")
        assert "Case 2 of 4" in twin.text
        phone.go(home)
        assert "Case 2 of 4" in phone.text
        phone.go(f"{home}&look=1")
        assert ("The truth:" in phone.text, NOT_YET in phone.text) == (at_once, not at_once)
        phone.go(door)
        assert "Join the class" in phone.text


def test_of_an_attempt_only_its_learner_sees_anything(lesson: School) -> None:
    """The number of another's attempt, and another's page, in one's own address."""
    quiz, code = made(lesson, Rules(models=Models.NEVER, shuffle=False))
    with student(lesson, code, "Ada") as ada, student(lesson, code, "Bo") as bo:
        ada.choose(SEEN, "tumour")
        ada.choose(SURE, "100 %")
        ada.press(GIVE)
        with lesson.store.reading() as session:
            (number,) = session.exec(
                select(Attempt.id).join(Learner).where(Attempt.quiz_id == quiz, Learner.name == "Ada")
            )
        for more in (f"attempt={number}", f"attempt={number}&look=1", "look=1"):
            bo.go(f"{bo.query.partition('&attempt')[0]}&{more}")
            assert "Ada" not in bo.text
            assert "The truth:" not in bo.text


def test_the_addresses_of_a_blind_picture_give_nothing_else_and_end_with_the_case(lesson: School) -> None:
    _, code = made(lesson, Rules(models=Models.NEVER, shuffle=False))
    with student(lesson, code) as phone:
        (series,) = {path.rpartition("/")[0] for path in phone.fetched if "/client/" not in path}
        assert phone.get(f"{series}/0")
        for part in ("all", "truth", "mask", "padding", "1", "-1", "0.0", "%2e%2e", "0/all"):
            with pytest.raises(urllib.error.HTTPError, match=r"40[04]"):
                phone.get(f"{series}/{part}")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            phone.get(f"{series[:-1]}{'A' if series[-1] != 'A' else 'B'}/0")
        phone.choose(SEEN, "tumour")
        phone.choose(SURE, "60 %")
        phone.press(GIVE)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            phone.get(f"{series}/0")
