"""The store's tables, all importable from here; those that are only ever added to are in ``append_only``."""

from __future__ import annotations

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
from core.review.tables.archives import Archive, Case, CaseFile, RecordedReader
from core.review.tables.people import ApiToken, SavedView, User
from core.review.tables.reading import Arbitration, Draft, MeasurementSet
from core.review.tables.runs import ImportFile, ImportRun, ScoreRun
from core.review.tables.scores import Discrepancy, DriftReading, Score

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
