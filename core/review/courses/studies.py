"""Reader studies: who reads which cases with which arm, in which session; each arm is a quiz of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, now


class Study(SQLModel, table=True):
    """A study: its plan (``core.teaching.plans.Plan`` as JSON) and the assignment table drawn from it.

    ``sessions`` holds ``{"reader", "block", "number", "arm", "cases"}``, counted as in
    ``core.statistics.multireader.assignment``. Readers join, and begin sessions, until it is ``closed``.
    """

    __tablename__ = "studies"

    id: int | None = Field(default=None, primary_key=True)
    title: str
    owner: int = Field(foreign_key="users.number")
    plan: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    sessions: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    created: datetime = Field(default_factory=now, sa_type=Moment)
    closed: datetime | None = Field(default=None, sa_type=Moment)


class StudyArm(SQLModel, table=True):
    """One arm (``core.teaching.plans.Arm``): its quiz has all the cases of the study, in the same positions."""

    __tablename__ = "study_arms"
    __table_args__ = (UniqueConstraint("study_id", "position"),)

    id: int | None = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="studies.id", index=True)
    position: int
    arm: str
    quiz_id: int = Field(foreign_key="quizzes.id", unique=True)


class StudyReader(SQLModel, table=True):
    """A learner in a place of the assignment table, counted from 0."""

    __tablename__ = "study_readers"
    __table_args__ = (UniqueConstraint("study_id", "place"), UniqueConstraint("study_id", "learner_id"))

    id: int | None = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="studies.id", index=True)
    place: int
    learner_id: int = Field(foreign_key="learners.id", index=True)
    joined: datetime = Field(default_factory=now, sa_type=Moment)
