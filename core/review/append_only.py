"""Tables that are only ever added to: database triggers refuse to change or delete their rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, now


class Opinion(SQLModel, table=True):
    """One reader's locked answer on one case at one stage.

    ``label`` is a class of the case's system; ``confidence`` is 0 to 100 %; ``marks`` are points and boxes in image
    pixels: ``{"kind": "point", "slice": 3, "x": 10.5, "y": 20}``, a box has ``width`` and ``height`` too.
    ``seconds`` is the reading time from ``started`` to ``locked_at`` as the page measured it.
    """

    __tablename__ = "opinions"
    __table_args__ = (
        UniqueConstraint("case_id", "reader", "stage"),
        CheckConstraint("confidence BETWEEN 0 AND 100", name="ck_opinions_confidence"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    reader: int = Field(foreign_key="users.number", index=True)
    stage: str
    finding: bool
    label: str | None = None
    confidence: int
    marks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    comment: str = Field(default="", sa_type=Text)
    started: datetime = Field(sa_type=Moment)
    locked_at: datetime = Field(default_factory=now, sa_type=Moment)
    seconds: float


class Reveal(SQLModel, table=True):
    """The models' answers on a case were released to a reader; from then on that reader cannot read it blind."""

    __tablename__ = "reveals"
    __table_args__ = (UniqueConstraint("case_id", "reader"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    reader: int = Field(foreign_key="users.number")
    why: str
    created: datetime = Field(default_factory=now, sa_type=Moment)


class PeerReview(SQLModel, table=True):
    """RADPEER-like score of a case's recorded diagnosis by one reader."""

    __tablename__ = "peer_reviews"
    __table_args__ = (
        UniqueConstraint("case_id", "reader"),
        CheckConstraint("score IN ('1', '2a', '2b', '3a', '3b')", name="ck_peer_reviews_score"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    reader: int = Field(foreign_key="users.number")
    score: str
    comment: str = Field(default="", sa_type=Text)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class Adjudication(SQLModel, table=True):
    """An arbiter's truth on a case. ``independent`` is false when the arbiter had read the case too (single user)."""

    __tablename__ = "adjudications"
    __table_args__ = (UniqueConstraint("arbitration_id"),)

    id: int | None = Field(default=None, primary_key=True)
    arbitration_id: int = Field(foreign_key="arbitrations.id")
    case_id: int = Field(foreign_key="cases.id", index=True)
    arbiter: int = Field(foreign_key="users.number")
    finding: bool
    label: str | None = None
    sided: str
    independent: bool
    marks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    comment: str = Field(default="", sa_type=Text)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class Overrule(SQLModel, table=True):
    """A user looked at the models' answers although the wrong-image gate had stopped the image."""

    __tablename__ = "overrules"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int | None = Field(default=None, foreign_key="cases.id")
    content_hash: str = Field(index=True)
    system: str
    gate: str  # what the gate said, in words
    gate_score: float | None = None
    reader: int = Field(foreign_key="users.number")
    reason: str = Field(default="", sa_type=Text)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class QuizAnswer(SQLModel, table=True):
    """A learner's answer on one case of a quiz, and how it was scored when it was given.

    ``finding`` and ``confidence`` are ``None`` where the time ran out before they were said. ``outline`` is a list of
    polygons ``{"slice": 3, "points": [[x, y], ...]}`` in image pixels; marks are as in ``Opinion``. ``found`` says
    whether a mark is on a lesion, ``distance`` how far the nearest one is from a lesion's middle, in ``unit``;
    ``false_marks`` counts those that are on none, ``dice`` is of the outline. ``None`` where they do not apply.
    """

    __tablename__ = "quiz_answers"
    __table_args__ = (
        UniqueConstraint("attempt_id", "item_id", "stage"),
        CheckConstraint("confidence BETWEEN 0 AND 100", name="ck_quiz_answers_confidence"),
    )

    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="attempts.id", index=True)
    item_id: int = Field(foreign_key="quiz_items.id", index=True)
    stage: str
    finding: bool | None = None
    label: str | None = None
    confidence: int | None = None
    marks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    outline: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    hinted: bool = False
    late: bool = False
    found: bool | None = None
    distance: float | None = None
    unit: str = "mm"
    false_marks: int = 0
    dice: float | None = None
    started: datetime = Field(sa_type=Moment)
    locked_at: datetime = Field(default_factory=now, sa_type=Moment)
    seconds: float


class AuditEntry(SQLModel, table=True):
    """One link of the hash chain: ``sha256`` covers every other column and ``previous``, the link before.

    ``time`` and ``payload`` are kept as the very text that was hashed (ISO 8601; JSON with sorted keys).
    """

    __tablename__ = "audit_entries"
    __table_args__ = (UniqueConstraint("previous"), UniqueConstraint("sha256"))

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    time: str
    actor: int
    action: str = Field(index=True)
    subject: str = Field(index=True)  # "case:12", "user:3", "archive:1"
    payload: str = Field(sa_type=Text)
    previous: str
    sha256: str


APPEND_ONLY: tuple[type[SQLModel], ...] = (
    Opinion,
    Reveal,
    PeerReview,
    Adjudication,
    Overrule,
    QuizAnswer,
    AuditEntry,
)
