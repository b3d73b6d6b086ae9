"""Closed sets of the store, and the column type for moments in time."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Role(StrEnum):
    """What a user may be; one user can be several."""

    REVIEWER = "reviewer"
    ARBITER = "arbiter"
    LEAD = "lead"
    TEACHER = "teacher"
    STUDENT = "student"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token of the programming interface is good for, within what its owner's roles allow."""

    MODELS = "models"  # systems, models, their cards and evidence
    STUDIES = "studies"  # give images, ask the models, take the results
    ARCHIVES = "archives"  # look at archives, worklists, cases and opinions
    OPINIONS = "opinions"  # lock opinions
    IMPORT = "import"  # make archives, import into them, have them scored


class Mode(StrEnum):
    """How an archive is read. An archive opened once stays open: what was seen cannot be unseen."""

    SECOND_READER = "second reader"
    OPEN = "open"


class CaseState(StrEnum):
    """Where a case stands; the store moves it forward itself."""

    NEW = "new"
    SCORED = "scored"
    READING = "reading"  # at least one blind opinion is locked
    READ = "read"  # at least one final (or open) opinion is locked
    ARBITRATION = "arbitration"
    ADJUDICATED = "adjudicated"


class RunState(StrEnum):
    """State of a background import or scoring run."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class Outcome(StrEnum):
    """What became of one source file of an import."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"


class FileRole(StrEnum):
    """What a file of a case is."""

    IMAGE = "image"
    TRUTH = "reference mask"


class Stage(StrEnum):
    """When an opinion was formed: before the models' answers were shown, after, or with them in sight all along."""

    BLIND = "blind"
    FINAL = "final"
    OPEN = "open"


LATER = "later"  # what is measured once the last opinion is locked belongs to none


class Radpeer(StrEnum):
    """RADPEER score of the recorded diagnosis (American College of Radiology, 2016 wording).

    1 concur; 2 understandable discrepancy; 3 discrepancy that should be made most of the time;
    a: unlikely to matter clinically, b: likely to matter.
    """

    CONCUR = "1"
    UNDERSTANDABLE_MINOR = "2a"
    UNDERSTANDABLE_MATTERS = "2b"
    EXPECTED_MINOR = "3a"
    EXPECTED_MATTERS = "3b"

    @property
    def to_arbitration(self) -> bool:
        """Whether a second pair of eyes must decide: 2b, 3a and 3b."""
        return self in (Radpeer.UNDERSTANDABLE_MATTERS, Radpeer.EXPECTED_MINOR, Radpeer.EXPECTED_MATTERS)


class Sided(StrEnum):
    """Whose answer the arbiter's truth agrees with."""

    RECORDED = "recorded diagnosis"
    REVIEWER = "reviewer"
    BOTH = "both"
    NEITHER = "neither"


def now() -> datetime:
    """Current moment in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A moment as fixed-width ISO 8601 text in UTC, microseconds included: sorts and hashes the same everywhere."""
    if moment.tzinfo is None:
        raise ValueError("moments need a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Moment(TypeDecorator[datetime]):
    """UTC moment kept as text: SQLite has no time zones, and hashed rows must read back byte for byte."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Aware datetime to text."""
        return None if value is None else stamp(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Text to aware datetime."""
        return None if value is None else datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
