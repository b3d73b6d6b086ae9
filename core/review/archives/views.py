"""What a reader wants to see of the worklist: filters, columns, order; kept under a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from core.errors import ArchiveError
from core.review.archives.worklist import Against, WorklistRow
from core.review.store import Store
from core.review.vocabulary import CaseState


class Field(StrEnum):
    """Columns of the list; the value is the column's title."""

    RANK = "Rank"
    PROBABILITY = "Chance of a wrong record"
    REASON = "Why"
    SOURCE = "File"
    PATIENT = "Patient"
    RECORDED = "Recorded"
    MODELS = "Models"
    FINDING = "Mean probability"
    SPREAD = "Spread of models"
    AGAINST = "Models against record"
    CONFIDENCE = "Confidence of models"
    OOD = "Beyond the gate's limit"
    READER = "Recorded by"
    DATE = "Date"
    STATE = "State"
    SLICES = "Slices"
    SYSTEM = "System"


DEFAULT_FIELDS = (Field.RANK, Field.PROBABILITY, Field.RECORDED, Field.MODELS, Field.REASON, Field.PATIENT, Field.STATE)
_MACHINE = frozenset(
    {Field.RANK, Field.PROBABILITY, Field.REASON, Field.MODELS, Field.FINDING, Field.SPREAD, Field.AGAINST}
    | {Field.CONFIDENCE, Field.OOD}
)


@dataclass(frozen=True)
class Filter:
    """Which rows; every condition that is given must hold.

    Attributes:
        systems, states, readers, against: one of these.
        split: whether the models' decisions differ. unlike: whether the gate stopped the image.
        confidence: from, to (0 to 1). probability: from, to (0 to 1).
        first_day, last_day: ISO dates, both included.
        words: in file name, patient or recorded text, any case.
    """

    systems: tuple[str, ...] = ()
    states: tuple[CaseState, ...] = ()
    readers: tuple[int, ...] = ()
    against: tuple[Against, ...] = ()
    split: bool | None = None
    unlike: bool | None = None
    confidence: tuple[float, float] | None = None
    probability: tuple[float, float] | None = None
    first_day: str | None = None
    last_day: str | None = None
    words: str = ""

    @property
    def looks_at_models(self) -> bool:
        """Whether a condition looks at what the models say: then hidden rows are left out altogether."""
        asked = (self.split, self.unlike, self.confidence, self.probability)
        return bool(self.against) or any(value is not None for value in asked)

    def keeps(self, row: WorklistRow) -> bool:
        """Whether a row meets every condition."""
        if row.hidden and self.looks_at_models:
            return False
        chosen: list[tuple[tuple[Any, ...], Any]] = [
            (self.systems, row.system),
            (self.states, row.state),
            (self.readers, row.reader),
            (self.against, row.against),
        ]
        if any(wanted and value not in wanted for wanted, value in chosen):
            return False
        if any(
            wanted is not None and value is not wanted
            for wanted, value in ((self.split, row.split), (self.unlike, row.unlike))
        ):
            return False
        if not (_within(self.confidence, row.confidence) and _within(self.probability, row.probability)):
            return False
        if (self.first_day and (row.date or "") < self.first_day) or (
            self.last_day and (row.date or "~") > self.last_day
        ):
            return False
        text = f"{row.source} {row.patient} {row.recorded_text} {row.recorded_label or ''}".lower()
        return all(word in text for word in self.words.lower().split())


@dataclass(frozen=True)
class View:
    """A filter, the columns in order, and the column to sort by (``None``: the list's own order)."""

    filter: Filter = field(default_factory=Filter)
    fields: tuple[Field, ...] = DEFAULT_FIELDS
    sort: Field | None = None
    descending: bool = True

    def apply(self, rows: Iterable[WorklistRow]) -> list[WorklistRow]:
        """Rows that are wanted, in the order that is wanted. Hidden rows stay last under a sort by a model column."""
        kept = [row for row in rows if self.filter.keeps(row)]
        if self.sort is None:
            return kept
        key = _KEYS[self.sort]
        blind = self.sort in _MACHINE
        known = [row for row in kept if not (blind and row.hidden) and key(row) is not None]
        chosen = {row.case_id for row in known}
        known.sort(key=lambda row: key(row), reverse=self.descending)
        return known + [row for row in kept if row.case_id not in chosen]

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> View:
        """From what the store kept.

        Raises:
            ArchiveError: it is no view, or one of a newer version.
        """
        try:
            f = dict(content["filter"])
            chosen = Filter(
                systems=tuple(f["systems"]),
                states=tuple(CaseState(state) for state in f["states"]),
                readers=tuple(f["readers"]),
                against=tuple(Against(one) for one in f["against"]),
                split=f["split"],
                unlike=f["unlike"],
                confidence=_pair(f["confidence"]),
                probability=_pair(f["probability"]),
                first_day=f["first_day"],
                last_day=f["last_day"],
                words=f["words"],
            )
            sort = None if content["sort"] is None else Field(content["sort"])
            return cls(chosen, tuple(Field(name) for name in content["fields"]), sort, bool(content["descending"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ArchiveError("The saved view cannot be read.", "Set it up again and save it.") from error


def save_view(store: Store, owner: int, name: str, view: View, *, shared: bool = False) -> None:
    """Keep a view under a name; the same name replaces it."""
    store.save_view(owner, name, view.to_json(), shared)


def saved_views(store: Store, owner: int) -> dict[str, View]:
    """A user's views and the shared ones, by name; one that cannot be read is left out."""
    out: dict[str, View] = {}
    for row in store.views(owner):
        try:
            out[row.name] = View.from_json(row.content)
        except ArchiveError:
            continue
    return out


_KEYS: Mapping[Field, Callable[[WorklistRow], Any]] = {
    Field.RANK: lambda row: row.rank,
    Field.PROBABILITY: lambda row: row.probability,
    Field.REASON: lambda row: row.reason,
    Field.SOURCE: lambda row: row.source,
    Field.PATIENT: lambda row: row.patient,
    Field.RECORDED: lambda row: row.recorded_label or row.recorded_text,
    Field.MODELS: lambda row: row.finding,
    Field.FINDING: lambda row: row.finding,
    Field.SPREAD: lambda row: row.spread,
    Field.AGAINST: lambda row: row.against,
    Field.CONFIDENCE: lambda row: row.confidence,
    Field.OOD: lambda row: row.ood,
    Field.READER: lambda row: row.reader,
    Field.DATE: lambda row: row.date,
    Field.STATE: lambda row: list(CaseState).index(row.state),
    Field.SLICES: lambda row: row.slices,
    Field.SYSTEM: lambda row: row.system,
}


def _within(limits: tuple[float, float] | None, value: float | None) -> bool:
    return limits is None or (value is not None and limits[0] <= value <= limits[1])


def _pair(values: Any) -> tuple[float, float] | None:
    return None if values is None else (float(values[0]), float(values[1]))
