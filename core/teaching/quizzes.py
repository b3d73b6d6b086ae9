"""Courses and their quizzes: made from cases whose truth is known, listed, and looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, func, select

from core.errors import NotAllowedError, NotFoundError
from core.review.cases import clean
from core.review.people import Action, acting
from core.review.store import Store
from core.review.tables import Adjudication, Case, CaseFile, Course, Quiz, QuizItem, StudyArm
from core.review.trail import decide
from core.review.vocabulary import FileRole
from core.teaching import planted
from core.teaching.material import Material, material
from core.teaching.rules import Rules, TeachingError

MOST_ITEMS = 500


@dataclass(frozen=True)
class ItemDraft:
    """A case for a quiz: where its images come from, and what the teacher has to say of it.

    Attributes:
        source, place: see :func:`core.teaching.material.material`.
        hint: shown on request before the answer. note: shown with the truth.
    """

    source: str
    place: Mapping[str, Any]
    hint: str = ""
    note: str = ""


@dataclass(frozen=True)
class Listed:
    """A quiz as it is listed."""

    quiz: Quiz
    course: Course
    items: int
    systems: tuple[str, ...] = field(default=())
    simulated: bool = False

    @property
    def rules(self) -> Rules:
        """By which it is answered."""
        return Rules.of(self.quiz.rules)


def add_course(store: Store, actor: int, title: str, goals: str = "", builtin: str | None = None) -> Course:
    """Make an empty course.

    Raises:
        NotAllowedError: the actor does not teach. TeachingError: it has no title.
    """
    title = clean(title).strip()
    if not title:
        raise TeachingError("A course needs a title.", "Give it one.")
    with store.writing() as session:
        acting(session, actor, Action.TEACH)
        course = Course(title=title, goals=clean(goals), owner=actor, builtin=builtin)
        session.add(course)
        session.flush()
        return course


def add_quiz(
    store: Store, actor: int, course_id: int, title: str, items: Sequence[ItemDraft], rules: Rules, goals: str = ""
) -> Quiz:
    """Make a quiz. Every case is read once, so that its truth is known and kept from here on.

    Raises:
        NotAllowedError: the actor does not teach, or the course is another's.
        TeachingError: no title, no case, too many, or one whose truth is not known.
    """
    title = clean(title).strip()
    if not title or not items:
        raise TeachingError("A quiz needs a title and at least one case.", "Give it both.")
    if len(items) > MOST_ITEMS:
        raise TeachingError(f"A quiz may have {MOST_ITEMS} cases, not {len(items)}.", "Make two of it.")
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
        own_course(session, actor, course_id)
    rows = [item_row(n, draft, material(store, draft.source, draft.place)) for n, draft in enumerate(items)]
    with store.writing() as session:
        own_course(session, actor, course_id)
        quiz = Quiz(course_id=course_id, title=title, goals=clean(goals), rules=rules.as_json())
        session.add(quiz)
        session.flush()
        for row in rows:
            row.quiz_id = quiz.id or 0
        session.add_all(rows)
        session.flush()
        made_up = planted.answers(rows, rules)
        decide(session, actor, "quiz.made", f"quiz:{quiz.id}", *rows, *made_up, cases=len(rows), planted=len(made_up))
        return quiz


def item_row(position: int, draft: ItemDraft, found: Material) -> QuizItem:
    """A case for a quiz that is still to be named, with its truth."""
    return QuizItem(
        quiz_id=0,
        position=position,
        source=str(draft.source),
        place=dict(draft.place),
        system=found.system,
        finding=found.finding,
        label=found.label,
        simulated=found.simulated,
        hint=clean(draft.hint).strip(),
        note=clean(draft.note).strip(),
        details=found.recognised_by(),
    )


def quizzes(store: Store) -> list[Listed]:
    """All quizzes but those of reader studies, those of one course together, in the order they were made."""
    with store.reading() as session:
        courses = {course.id: course for course in session.exec(select(Course))}
        drawn = func.sum(case((col(QuizItem.simulated), 1), else_=0))
        counted = select(QuizItem.quiz_id, QuizItem.system, func.count(), drawn)
        items: dict[int, list[tuple[str, int, bool]]] = {}
        for quiz_id, system, count, simulated in session.exec(counted.group_by(col(QuizItem.quiz_id), QuizItem.system)):
            items.setdefault(quiz_id, []).append((system, count, simulated == count))
        rows = session.exec(select(Quiz).where(_no_study()).order_by(col(Quiz.course_id), col(Quiz.id)))
        return [_listed(quiz, courses[quiz.course_id], items.get(quiz.id or 0, [])) for quiz in rows]


def _listed(quiz: Quiz, course: Course, items: list[tuple[str, int, bool]]) -> Listed:
    systems = tuple(sorted(system for system, _, _ in items))
    return Listed(quiz, course, sum(count for _, count, _ in items), systems, all(drawn for _, _, drawn in items))


def courses(store: Store) -> list[Course]:
    """All courses but those that hold the arms of a reader study, in the order they were made."""
    with store.reading() as session:
        held = select(Quiz.course_id).where(~_no_study())
        return list(session.exec(select(Course).where(col(Course.id).not_in(held)).order_by(col(Course.id))))


def _no_study() -> ColumnElement[bool]:
    return col(Quiz.id).not_in(select(StudyArm.quiz_id))


def show_to_learners(store: Store, actor: int, quiz_id: int, listed: bool) -> None:
    """Put a quiz on every learner's page, or take it off; who has begun it may finish."""
    with store.writing() as session:
        acting(session, actor, Action.TEACH)
        quiz = found_quiz(session, quiz_id)
        own_course(session, actor, quiz.course_id)
        quiz.listed = listed
        session.add(quiz)


def found_quiz(session: Session, quiz_id: int) -> Quiz:
    """The quiz of an id. Raises ``NotFoundError``."""
    quiz = session.get(Quiz, quiz_id)
    if quiz is None:
        raise NotFoundError(f"There is no quiz {quiz_id}.", "Choose one from the list.")
    return quiz


def quiz(store: Store, quiz_id: int) -> Quiz:
    """The quiz of an id. Raises ``NotFoundError``."""
    with store.reading() as session:
        return found_quiz(session, quiz_id)


def items_for(store: Store, actor: int, quiz_id: int) -> list[QuizItem]:
    """The cases of a quiz with their truth, for its teacher.

    Raises:
        NotAllowedError: the actor does not teach, or the quiz is another teacher's.
    """
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
        own_course(session, actor, found_quiz(session, quiz_id).course_id)
        return list(session.exec(select(QuizItem).where(QuizItem.quiz_id == quiz_id).order_by(col(QuizItem.position))))


def annotate(store: Store, actor: int, item_id: int, *, hint: str, note: str) -> None:
    """Change what the teacher says of a case; its truth stays."""
    with store.writing() as session:
        acting(session, actor, Action.TEACH)
        item = found_item(session, item_id)
        own_course(session, actor, found_quiz(session, item.quiz_id).course_id)
        item.hint, item.note = clean(hint).strip(), clean(note).strip()
        session.add(item)


def found_item(session: Session, item_id: int) -> QuizItem:
    """The case of a quiz by its id. Raises ``NotFoundError``."""
    item = session.get(QuizItem, item_id)
    if item is None:
        raise NotFoundError(f"There is no case {item_id} in any quiz.", "Open the quiz again.")
    return item


def usable_cases(store: Store, actor: int, archive_id: int) -> list[Case]:
    """Cases of an archive whose truth is known: settled by an arbiter, or with a reference mask.

    Raises:
        NotAllowedError: the actor does not teach, or may not look at archives.
    """
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
        acting(session, actor, Action.VIEW)
        settled = select(Adjudication.case_id)
        masked = select(CaseFile.case_id).where(CaseFile.role == FileRole.TRUTH.value)
        known = col(Case.id).in_(settled) | col(Case.id).in_(masked)
        return list(session.exec(select(Case).where(Case.archive_id == archive_id, known).order_by(col(Case.id))))


def own_course(session: Session, actor: int, course_id: int) -> None:
    """Raise ``NotAllowedError`` unless the actor made the course or the program brought it along."""
    course = session.get(Course, course_id)
    if course is None:
        raise NotFoundError(f"There is no course {course_id}.", "Choose one from the list.")
    if course.owner != actor and course.builtin is None:
        raise NotAllowedError("This course belongs to another teacher.", "Make one of your own.")
