"""The store's tables. ``records`` holds those that are only ever added to; all are importable from here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.append_only import (
    APPEND_ONLY,
    Adjudication,
    AuditEntry,
    Opinion,
    Overrule,
    PeerReview,
    QuizAnswer,
    Reveal,
)
from core.review.courses.studies import Study, StudyArm, StudyReader
from core.review.courses.tables import (
    Attempt,
    Course,
    ItemScore,
    Learner,
    PlantedAnswer,
    Quiz,
    QuizDraft,
    QuizItem,
    Repetition,
)
from core.review.vocabulary import CaseState, FileRole, Mode, Moment, RunState, now

__all__ = [
    "APPEND_ONLY",
    "Adjudication",
    "ApiToken",
    "Arbitration",
    "Archive",
    "Attempt",
    "AuditEntry",
    "Case",
    "CaseFile",
    "Course",
    "Discrepancy",
    "Draft",
    "DriftReading",
    "ImportFile",
    "ImportRun",
    "ItemScore",
    "Learner",
    "MeasurementSet",
    "Opinion",
    "Overrule",
    "PeerReview",
    "PlantedAnswer",
    "Quiz",
    "QuizAnswer",
    "QuizDraft",
    "QuizItem",
    "RecordedReader",
    "Repetition",
    "Reveal",
    "SavedView",
    "Score",
    "ScoreRun",
    "Study",
    "StudyArm",
    "StudyReader",
    "User",
]


class User(SQLModel, table=True):
    """Somebody who works with the store. Readers appear by ``number``; number 1 is the local single user."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    number: int | None = Field(default=None, primary_key=True)
    issuer: str
    subject: str
    name: str
    email: str | None = None
    roles: list[str] = Field(default_factory=list, sa_type=JSON)
    active: bool = True
    created: datetime = Field(default_factory=now, sa_type=Moment)
    last_seen: datetime | None = Field(default=None, sa_type=Moment)


class ApiToken(SQLModel, table=True):
    """A key to the programming interface: whose it is and what for. The key itself is kept nowhere, only its hash.

    ``used`` is when it was used first, ``None`` until then.
    """

    __tablename__ = "api_tokens"

    id: int | None = Field(default=None, primary_key=True)
    user: int = Field(foreign_key="users.number", index=True)
    name: str
    sha256: str = Field(unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=JSON)
    created: datetime = Field(default_factory=now, sa_type=Moment)
    expires: datetime = Field(sa_type=Moment)
    used: datetime | None = Field(default=None, sa_type=Moment)
    revoked: bool = False


class RecordedReader(SQLModel, table=True):
    """Who wrote a recorded diagnosis: ``name`` is a pseudonym, pages show the number, which is no user number."""

    __tablename__ = "recorded_readers"

    number: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    team: str = ""  # reader group, for summaries


class Archive(SQLModel, table=True):
    """A named collection of cases."""

    __tablename__ = "archives"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    note: str = Field(default="", sa_type=Text)
    mode: str = Mode.SECOND_READER.value
    created: datetime = Field(default_factory=now, sa_type=Moment)
    created_by: int = Field(foreign_key="users.number")


class Case(SQLModel, table=True):
    """One study of an archive. ``content_hash`` is the study's SHA-256; its bytes are the case's files on disk.

    ``patient`` is a pseudonym. ``recorded_finding`` says whether the recorded diagnosis names a finding (``None`` when
    nothing is recorded); ``recorded_label`` is the class. ``details`` holds what the importer wants to keep
    (modality, size, slices).
    """

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("archive_id", "content_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    archive_id: int = Field(foreign_key="archives.id", index=True)
    patient: str = Field(default="", index=True)
    content_hash: str = Field(index=True)
    source: str  # pseudonym of the file as imported, or what the series is, never a name
    system: str | None = Field(default=None, index=True)
    recorded_finding: bool | None = None
    recorded_label: str | None = None
    recorded_text: str = Field(default="", sa_type=Text)
    recorded_reader: int | None = Field(default=None, foreign_key="recorded_readers.number")
    study_date: str | None = None  # ISO date
    state: str = Field(default=CaseState.NEW.value, index=True)
    simulated: bool = False
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class CaseFile(SQLModel, table=True):
    """One file of a case: its bytes lie on disk under their SHA-256."""

    __tablename__ = "case_files"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    position: int
    sha256: str = Field(index=True)
    name: str
    size: int
    role: str = FileRole.IMAGE.value


class ImportRun(SQLModel, table=True):
    """One import into an archive; ``source`` is a pseudonym, ``settings`` is what resuming needs."""

    __tablename__ = "import_runs"

    id: int | None = Field(default=None, primary_key=True)
    archive_id: int = Field(foreign_key="archives.id", index=True)
    source: str
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    state: str = RunState.QUEUED.value
    wanted: str = RunState.RUNNING.value  # what the user asked for: running, paused or stopped
    total: int = 0
    started: datetime = Field(default_factory=now, sa_type=Moment)
    started_by: int = Field(foreign_key="users.number")
    heartbeat: datetime | None = Field(default=None, sa_type=Moment)
    finished: datetime | None = Field(default=None, sa_type=Moment)
    message: str = Field(default="", sa_type=Text)


class ImportFile(SQLModel, table=True):
    """What became of one source file: makes an import resumable and its report complete."""

    __tablename__ = "import_files"
    __table_args__ = (UniqueConstraint("archive_id", "path"),)

    id: int | None = Field(default=None, primary_key=True)
    archive_id: int = Field(foreign_key="archives.id", index=True)
    run_id: int | None = Field(default=None, foreign_key="import_runs.id", index=True)
    path: str  # pseudonym
    size: int = 0
    outcome: str
    case_id: int | None = Field(default=None, foreign_key="cases.id")
    reason: str = Field(default="", sa_type=Text)
    remedy: str = Field(default="", sa_type=Text)


class ScoreRun(SQLModel, table=True):
    """One scoring of an archive by the models of a system. ``models`` maps model name to version and weights."""

    __tablename__ = "score_runs"

    id: int | None = Field(default=None, primary_key=True)
    archive_id: int = Field(foreign_key="archives.id", index=True)
    system: str
    models: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    state: str = RunState.QUEUED.value
    wanted: str = RunState.RUNNING.value
    total: int = 0
    done: int = 0
    failed: int = 0
    started: datetime = Field(default_factory=now, sa_type=Moment)
    started_by: int = Field(foreign_key="users.number")
    heartbeat: datetime | None = Field(default=None, sa_type=Moment)
    finished: datetime | None = Field(default=None, sa_type=Moment)
    seconds: float = 0.0  # time spent running, pauses left out
    message: str = Field(default="", sa_type=Text)


class Score(SQLModel, table=True):
    """What one model said about one case; unique per weights, so that rescoring is idempotent.

    ``finding`` is the calibrated probability of a finding on ``slice_index``, the case's most suspicious slice;
    ``probabilities`` maps class to calibrated probability there; ``error`` is set, and the numbers are ``None``, when
    the model could not answer.
    """

    __tablename__ = "scores"
    __table_args__ = (UniqueConstraint("case_id", "system", "model", "weights_sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    run_id: int | None = Field(default=None, foreign_key="score_runs.id", index=True)
    system: str
    model: str
    version: str
    weights_sha256: str
    finding: float | None = None
    decision: str | None = None
    threshold: float | None = None
    slice_index: int = 0
    probabilities: dict[str, float] = Field(default_factory=dict, sa_type=JSON)
    ood: float | None = None
    mask_pixels: int | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    error: str = Field(default="", sa_type=Text)
    seconds: float = 0.0
    created: datetime = Field(default_factory=now, sa_type=Moment)


class Discrepancy(SQLModel, table=True):
    """How much a second look at a case promises, for one set of models.

    ``models`` is the fingerprint of the weights it rests on (``store.fingerprint``); ``value`` orders the worklist
    (higher first); ``reason`` is the plain sentence why the case stands where it stands.
    """

    __tablename__ = "discrepancies"
    __table_args__ = (UniqueConstraint("case_id", "models"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    models: str
    value: float
    reason: str = Field(default="", sa_type=Text)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created: datetime = Field(default_factory=now, sa_type=Moment)


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


class SavedView(SQLModel, table=True):
    """A worklist view a user gave a name."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    owner: int = Field(foreign_key="users.number")
    name: str
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    shared: bool = False
    saved: datetime = Field(default_factory=now, sa_type=Moment)


class DriftReading(SQLModel, table=True):
    """One comparison of incoming scores with the calibration set."""

    __tablename__ = "drift_readings"

    id: int | None = Field(default=None, primary_key=True)
    archive_id: int | None = Field(default=None, foreign_key="archives.id")
    system: str
    model: str
    weights_sha256: str
    n: int
    n_reference: int
    statistic: str
    value: float
    p_value: float | None = None
    warned: bool = False
    message: str = Field(default="", sa_type=Text)
    created: datetime = Field(default_factory=now, sa_type=Moment)
