"""What decides something and may change: roles, tokens, recorded diagnoses, modes, measurements,
arbitrations, the truth of quizzes and the plans of reader studies.

Such a row is no append-only one, so the audit trail holds the digest of its deciding columns with every change; the
latest one must fit the row as it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from core.review.canonical import canonical
from core.review.tables import (
    ApiToken,
    Arbitration,
    Archive,
    Case,
    CaseFile,
    MeasurementSet,
    PlantedAnswer,
    QuizItem,
    Study,
    StudyArm,
    StudyReader,
    User,
)

COLUMNS: Mapping[type[SQLModel], tuple[str, ...]] = {
    User: ("number", "issuer", "subject", "roles", "active"),
    Archive: ("id", "mode"),
    Case: (
        *("id", "archive_id", "content_hash", "patient", "system"),
        *("recorded_finding", "recorded_label", "recorded_text", "recorded_reader"),
    ),
    MeasurementSet: ("id", "case_id", "reader", "series", "stage", "content", "saved"),
    Arbitration: ("id", "case_id", "peer_review_id", "closed"),
    QuizItem: ("id", "quiz_id", "position", "source", "place", "system", "finding", "label"),
    PlantedAnswer: ("id", "item_id", "finding", "probability"),
    Study: ("id", "owner", "plan", "sessions"),
    StudyArm: ("id", "study_id", "position", "arm", "quiz_id"),
    StudyReader: ("id", "study_id", "place", "learner_id"),
    ApiToken: ("id", "user", "sha256", "scopes", "expires", "revoked"),
}
_CHUNK = 1000
_Files = Sequence[tuple[int, str, str]]


def state(session: Session, row: SQLModel) -> dict[str, Any]:
    """Table, number and digest of a row as it stands, for the trail. The row must be flushed."""
    names = COLUMNS[type(row)]
    values = [getattr(row, name) for name in names]
    files: _Files = ()
    if isinstance(row, Case):
        query = select(CaseFile.position, CaseFile.sha256, CaseFile.role).where(CaseFile.case_id == row.id)
        files = [(p, s, r) for p, s, r in session.exec(query.order_by(col(CaseFile.position)))]
    return _state(type(row), values, files)


def states(session: Session, tables: Collection[type[SQLModel]] = tuple(COLUMNS)) -> Iterator[dict[str, Any]]:
    """The state of every row that decides something, in all such tables or in some of them."""
    files: dict[int, list[tuple[int, str, str]]] = {}
    query = select(CaseFile.case_id, CaseFile.position, CaseFile.sha256, CaseFile.role)
    ordered = query.order_by(col(CaseFile.case_id), col(CaseFile.position)).execution_options(yield_per=_CHUNK)
    for case, position, sha256, role in session.exec(ordered):  # type: ignore[call-overload]
        files.setdefault(case, []).append((position, sha256, role))
    for table in tables:
        names = COLUMNS[table]
        columns = [getattr(table, name) for name in names]
        for values in session.execute(select(*columns).order_by(columns[0]).execution_options(yield_per=_CHUNK)):  # type: ignore[call-overload]
            yield _state(table, list(values), files.get(values[0], ()) if table is Case else ())


def _state(table: type[SQLModel], values: Sequence[Any], files: _Files) -> dict[str, Any]:
    content = dict(zip(COLUMNS[table], values, strict=True)) | {"files": [list(file) for file in files]}
    digest = hashlib.sha256(canonical(content).encode()).hexdigest()
    return {"table": str(table.__tablename__), "id": values[0], "digest": digest}
