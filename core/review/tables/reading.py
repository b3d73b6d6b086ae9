"""What readers are at: drafts, measurements, cases that wait for an arbiter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, now


class Draft(SQLModel, table=True):
    """An opinion being written, saved so that a reload loses nothing; gone once the opinion is locked."""

    __tablename__ = "drafts"
    __table_args__ = (UniqueConstraint("case_id", "reader", "stage"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    reader: int = Field(foreign_key="users.number")
    stage: str
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    started: datetime = Field(default_factory=now, sa_type=Moment)
    saved: datetime = Field(default_factory=now, sa_type=Moment)


class MeasurementSet(SQLModel, table=True):
    """What one reader measured in one series of a case at one stage of reading it (``core.review.kept.measurements``).

    ``series`` is the series' key, made of its pixels. ``stage`` is that of the opinion with which the set is locked, or
    ``LATER``. ``content`` holds ``id``, ``kind``, ``slice`` (from 0), ``points`` (column and row of pixel centres),
    ``values`` and ``text`` of each measurement as the viewer told them.
    """

    __tablename__ = "measurement_sets"
    __table_args__ = (UniqueConstraint("case_id", "reader", "series", "stage"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    reader: int = Field(foreign_key="users.number")
    series: str
    stage: str
    content: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    saved: datetime = Field(default_factory=now, sa_type=Moment)


class Arbitration(SQLModel, table=True):
    """A case waiting for an arbiter: opened by the first peer review of 2b, 3a or 3b."""

    __tablename__ = "arbitrations"
    __table_args__ = (UniqueConstraint("case_id"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id")
    peer_review_id: int = Field(foreign_key="peer_reviews.id")
    opened: datetime = Field(default_factory=now, sa_type=Moment)
    closed: datetime | None = Field(default=None, sa_type=Moment)
