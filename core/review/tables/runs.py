"""Work in the background: imports, what became of every file, scorings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, RunState, now


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
