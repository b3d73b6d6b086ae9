"""Archives, their cases, the files of those, and who wrote the recorded diagnoses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import CaseState, FileRole, Mode, Moment, now


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
