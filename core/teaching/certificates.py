"""What a learner has finished, as a certificate says it: whose cases, when, and figures with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from core.review.cases import clean
from core.review.store import Store
from core.review.tables import Attempt, Course, Quiz
from core.systems import SYSTEMS
from core.teaching import results
from core.teaching.attempts import attempt, attempts
from core.teaching.figures import Figures, figures
from core.teaching.quizzes import found_quiz
from core.teaching.results import Row
from core.teaching.rules import Purpose, Rules, Stage, TeachingError

LONGEST_NAME = 80


@dataclass(frozen=True)
class Part:
    """One quiz in a certificate: ``number`` of the attempt that counts, from 1; ``right`` of ``cases``."""

    quiz: str
    rules: str
    number: int
    finished: datetime
    right: int
    cases: int


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is certified.

    Attributes:
        name: as the learner typed it; nobody has checked it.
        course, goals: of the course, or of the one quiz. whole: all quizzes of the course.
        parts: the quizzes, in their order.
        figures: over all their answers given alone.
        systems: titles of what was read. simulated: every case was drawn by a computer.
        hints, late: answers given with a hint, and too late.
    """

    name: str
    course: str
    goals: str
    whole: bool
    parts: tuple[Part, ...]
    figures: Figures
    systems: tuple[str, ...]
    simulated: bool
    hints: int
    late: int

    @property
    def finished(self) -> datetime:
        """When the last of it was."""
        return max(part.finished for part in self.parts)


def of_attempt(store: Store, learner_id: int, attempt_id: int, name: str) -> Certificate:
    """The certificate of one finished attempt of the learner's own.

    Raises:
        NotFoundError: no such attempt of the learner's.
        TeachingError: it is not finished, or a repetition; or the name is empty or longer than 80 characters.
    """
    made = attempt(store, learner_id, attempt_id)
    with store.reading() as session:
        quiz = found_quiz(session, made.quiz_id)
        course = session.get_one(Course, quiz.course_id)
    if made.finished is None or made.purpose != Purpose.QUIZ:
        raise TeachingError("There is a certificate for a finished quiz only.", "Answer all its cases first.")
    return _certificate(store, learner_id, course, [(quiz, made)], name, whole=False)


def finished_courses(store: Store, learner_id: int) -> list[int]:
    """Numbers of the courses of which a learner has finished every quiz that learners are offered; one at least is
    answered alone."""
    with store.reading() as session:
        wanted: dict[int, set[int]] = {}
        alone: set[int] = set()
        for quiz in session.exec(select(Quiz).where(col(Quiz.listed))):
            wanted.setdefault(quiz.course_id, set()).add(quiz.id or 0)
            if Stage.ALONE in Rules.of(quiz.rules).stages:
                alone.add(quiz.course_id)
    done = {one.quiz_id for one in attempts(store, learner_id) if one.finished and one.purpose == Purpose.QUIZ}
    return sorted(number for number, quizzes in wanted.items() if quizzes <= done and number in alone)


def of_course(store: Store, learner_id: int, course_id: int, name: str) -> Certificate:
    """The certificate of a course, over the first finished attempt at each of its quizzes.

    Raises:
        TeachingError: a quiz of it is not finished; or the name is empty or longer than 80 characters.
    """
    if course_id not in finished_courses(store, learner_id):
        raise TeachingError("There is a certificate for a finished course only.", "Finish all its quizzes first.")
    firsts: dict[int, Attempt] = {}
    for one in attempts(store, learner_id):
        if one.finished and one.purpose == Purpose.QUIZ:
            firsts.setdefault(one.quiz_id, one)
    with store.reading() as session:
        course = session.get_one(Course, course_id)
        query = select(Quiz).where(Quiz.course_id == course_id, col(Quiz.listed)).order_by(col(Quiz.id))
        parts = [(quiz, firsts[quiz.id or 0]) for quiz in session.exec(query)]
    return _certificate(store, learner_id, course, parts, name, whole=True)


def _certificate(
    store: Store, learner_id: int, course: Course, done: Sequence[tuple[Quiz, Attempt]], name: str, *, whole: bool
) -> Certificate:
    name = clean(name).strip()
    if not name or len(name) > LONGEST_NAME:
        raise TeachingError("A certificate names its learner.", f"Type a name of 1 to {LONGEST_NAME} characters.")
    counted = {made.id for _, made in done}
    every = [row for row in results.of_learner(store, learner_id) if row.attempt.id in counted]
    rows = [row for row in every if row.stage is Stage.ALONE]
    if not every:
        raise TeachingError("The truth of these cases is not told yet.", "Come back when the study is over.")
    if not rows:
        raise TeachingError("All of it was answered with the models in sight.", "Answer the same cases alone.")
    alone = {row.attempt.id for row in rows}
    return Certificate(
        name=name,
        course=course.title,
        goals=course.goals if whole else done[0][0].goals,
        whole=whole,
        parts=tuple(
            _part(quiz, made, [r for r in rows if r.attempt.id == made.id]) for quiz, made in done if made.id in alone
        ),
        figures=figures(rows, resamples=0),
        systems=tuple(SYSTEMS[n].title for n in sorted({r.item.system for r in rows}) if n in SYSTEMS),
        simulated=all(row.item.simulated for row in rows),
        hints=sum(row.answer.hinted for row in rows),
        late=sum(row.answer.late for row in rows),
    )


def _part(quiz: Quiz, made: Attempt, rows: Sequence[Row]) -> Part:
    assert made.finished is not None
    return Part(
        quiz.title, Rules.of(quiz.rules).in_words, made.number, made.finished, sum(r.right for r in rows), len(rows)
    )
