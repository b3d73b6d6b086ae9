"""A case of the store, opened to be read: its images, and nothing that tells an answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from core import imaging
from core.imaging.keys import passing_hash
from core.imaging.study import SourceKind, Study
from core.memory import GiveWay
from core.review.store import Store
from core.review.tables import Case
from core.systems import Match, match


@dataclass(frozen=True, eq=False)
class Opened:
    """A case ready to be read.

    Attributes:
        study: its images without reference masks and results of algorithms, named by the case's number.
        system, series_index: what reads it.
        originals: its files where they are DICOM, for the DICOM objects that are made of it.
    """

    study: Study
    match: Match
    system: str | None
    series_index: int
    originals: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


def opened(store: Store, record: Case, give_way: GiveWay | None = None) -> Opened:
    """Read a case's images from the store.

    Args:
        give_way: lets go the oldest thing of who opens it, where the process's memory is full.

    Raises:
        OverreadError: they cannot be read, or are not what they were.
    """
    files = store.case_bytes(record.id or 0)
    study = imaging.read(files, give_way=give_way)
    study = _dated(replace(study.without_answers(), name=title(record)), record)
    found = match(study)
    return Opened(
        study=study,
        match=found,
        system=record.system or found.system,
        series_index=min(int(record.details.get("series_index", found.series_index)), len(study.series) - 1),
        originals=tuple(files) if study.source is SourceKind.DICOM else (),
    )


def _dated(study: Study, record: Case) -> Study:
    """A study with what only its row in the store tells of the examination: pictures name no date and no patient."""
    day = date.fromisoformat(record.study_date) if record.study_date else None
    patient = passing_hash(record.patient)
    told = (
        replace(
            one,
            study=one.study or f"case {record.id}",
            examined=one.examined or day,
            patient=one.patient or patient,
        )
        for one in study.series
    )
    return replace(study, series=tuple(told))


def title(record: Case) -> str:
    """What a case is called while it is read: its number. File names could be looked up among published test cases."""
    return title_of(record.id)


def title_of(case_id: int | None) -> str:
    """The same, from the number."""
    return f"Case {case_id}"
