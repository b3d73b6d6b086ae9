"""Courses, quizzes, learners and their attempts. Answers are in ``append_only``: they are final once given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, now


class Course(SQLModel, table=True):
    """Quizzes that belong together; ``builtin`` is the key of one that the program brings along."""

    __tablename__ = "courses"

    id: int | None = Field(default=None, primary_key=True)
    title: str
    goals: str = Field(default="", sa_type=Text)
    builtin: str | None = Field(default=None, unique=True)
    owner: int = Field(foreign_key="users.number")
    created: datetime = Field(default_factory=now, sa_type=Moment)


class Quiz(SQLModel, table=True):
    """Cases to answer, and by which rules (``core.teaching.rules.Rules`` as JSON).

    ``listed`` puts it on every learner's page; ``code`` lets a class in without accounts while it is there.
    """

    __tablename__ = "quizzes"

    id: int | None = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="courses.id", index=True)
    title: str
    goals: str = Field(default="", sa_type=Text)
    rules: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    listed: bool = True
    code: str | None = Field(default=None, unique=True)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class QuizItem(SQLModel, table=True):
    """One case of a quiz with its truth: whether there is a finding, and the class.

    ``source`` and ``place`` say where its images come from (``core.teaching.material``). ``details`` holds what its
    images are recognised by: the series' key and the hashes of their looks.
    """

    __tablename__ = "quiz_items"
    __table_args__ = (UniqueConstraint("quiz_id", "position"),)

    id: int | None = Field(default=None, primary_key=True)
    quiz_id: int = Field(foreign_key="quizzes.id", index=True)
    position: int
    source: str
    place: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    system: str
    finding: bool
    label: str | None = None
    simulated: bool = False
    hint: str = Field(default="", sa_type=Text)
    note: str = Field(default="", sa_type=Text)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class ItemScore(SQLModel, table=True):
    """What one model said about a case of a quiz: highest calibrated probability of a finding over its slices.

    ``version`` is empty where it was not kept.
    """

    __tablename__ = "item_scores"
    __table_args__ = (UniqueConstraint("item_id", "model", "weights_sha256", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="quiz_items.id", index=True)
    model: str
    title: str
    weights_sha256: str
    version: str = ""
    finding: float
    threshold: float
    slice_index: int = 0
    created: datetime = Field(default_factory=now, sa_type=Moment)


class PlantedAnswer(SQLModel, table=True):
    """What an AI that does not exist says of a case in the automation-bias laboratory: made up, and no model's answer.

    ``probability`` is of a finding, 0 to 1, on the side of ``finding``.
    """

    __tablename__ = "planted_answers"

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="quiz_items.id", unique=True)
    finding: bool
    probability: float


class Learner(SQLModel, table=True):
    """Somebody who answers quizzes: a user of the store, or a guest of one quiz's class, known by a secret."""

    __tablename__ = "learners"

    id: int | None = Field(default=None, primary_key=True)
    user: int | None = Field(default=None, foreign_key="users.number", unique=True)
    quiz_id: int | None = Field(default=None, foreign_key="quizzes.id", index=True)
    name: str = ""
    secret_sha256: str | None = Field(default=None, unique=True)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class Attempt(SQLModel, table=True):
    """One way of a learner through a quiz: ``sequence`` holds the numbers of its cases in this learner's order."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("quiz_id", "learner_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    quiz_id: int = Field(foreign_key="quizzes.id", index=True)
    learner_id: int = Field(foreign_key="learners.id", index=True)
    number: int
    purpose: str
    sequence: list[int] = Field(default_factory=list, sa_type=JSON)
    started: datetime = Field(default_factory=now, sa_type=Moment)
    finished: datetime | None = Field(default=None, sa_type=Moment)


class QuizDraft(SQLModel, table=True):
    """An answer being made: survives a reload; ``started`` is when the case was first shown, and stays."""

    __tablename__ = "quiz_drafts"
    __table_args__ = (UniqueConstraint("attempt_id", "item_id", "stage"),)

    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="attempts.id", index=True)
    item_id: int = Field(foreign_key="quiz_items.id")
    stage: str
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    started: datetime = Field(default_factory=now, sa_type=Moment)


class Repetition(SQLModel, table=True):
    """When a learner is shown a case again: ``card`` is the scheduler's, as JSON; ``due`` in UTC."""

    __tablename__ = "repetitions"
    __table_args__ = (UniqueConstraint("learner_id", "item_id"),)

    id: int | None = Field(default=None, primary_key=True)
    learner_id: int = Field(foreign_key="learners.id", index=True)
    item_id: int = Field(foreign_key="quiz_items.id")
    card: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    due: datetime = Field(sa_type=Moment)
