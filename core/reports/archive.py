"""What a report of one archive rests on, and its tables as CSV: all cases, and the list of discrepancies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.csv_cells import rows_csv
from core.reports.case import OpinionLine


@dataclass(frozen=True)
class ModelLine:
    """One model's answer on one case, at its most suspicious slice.

    ``finding`` is the calibrated probability of a finding, ``positive`` whether it reaches ``threshold``; all three are
    ``None`` when the model failed, and ``error`` says why.
    """

    title: str
    version: str
    finding: float | None
    positive: bool | None
    threshold: float | None
    error: str = ""


@dataclass(frozen=True)
class ArchiveLine:
    """One case of an archive as the reader who asks may see it.

    Attributes:
        case: number of the case.
        hidden: still blind for this reader: only number, system, state, date and ``simulated`` are told then.
        source: file name as imported; patient: pseudonym; recorded: recorded diagnosis.
        recorded_finding: whether that names a finding; ``None`` when nothing is recorded.
        recorded_reader: number of who wrote it.
        place: place in the ranking, 1 is the top.
        against: decision of most models against the record, in words.
        contradicts: whether most models contradict the record. split: whether their vote is a tie.
        probability: that the record is wrong, 0 to 1.
        reason: why the case stands where it stands.
        scores: peer-review scores as (reader, score).
        truth: adjudicated finding; ``None`` where nobody adjudicated. truth_label: its class.
    """

    case: int
    source: str
    patient: str
    system: str
    state: str
    recorded: str
    recorded_finding: bool | None
    recorded_reader: int | None
    date: str | None
    simulated: bool
    hidden: bool
    place: int | None = None
    against: str = ""
    contradicts: bool = False
    split: bool = False
    probability: float | None = None
    reason: str = ""
    models: tuple[ModelLine, ...] = ()
    opinions: tuple[OpinionLine, ...] = ()
    scores: tuple[tuple[int, str], ...] = ()
    truth: bool | None = None
    truth_label: str | None = None


@dataclass(frozen=True)
class YieldPoint:
    """After ``depth`` cases from the top: reads needed for one relevant miss, with a 95 % interval."""

    depth: int
    reads_per_miss: float
    low: float
    high: float


@dataclass(frozen=True)
class ArchiveReport:
    """Everything a report of one archive is made of.

    Attributes:
        name, note, mode, system: of the archive; ``system`` is the title of the one it was scored by.
        lines: its cases, best first.
        pedigree: models and versions that the ranking rests on, in words.
        finding, clear: the system's words for a positive and a negative answer.
        yield_sentence, yield_points: what the reads found and what the rest promises; empty when nobody may see it yet.
        files: number of files by what became of them on import.
        unread: files that could not be read: path and reason.
        patients: how many patients the cases are of; 0 where that is not known.
        peer: sentences of the peer-review summary. drift: sentences of the comparison with the calibration sets.
    """

    name: str
    note: str
    mode: str
    system: str
    lines: tuple[ArchiveLine, ...]
    pedigree: str
    finding: str
    clear: str
    yield_sentence: str = ""
    yield_points: tuple[YieldPoint, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    patients: int = 0
    peer: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    generated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def discrepancies(report: ArchiveReport) -> tuple[ArchiveLine, ...]:
    """Cases that deserve words with whoever recorded them, best first.

    A case is one when most models contradict its record, when a reader's latest answer does, when a peer review did not
    concur, or when the adjudicated truth differs. Hidden cases are none: nothing is told about them.
    """
    found = [line for line in report.lines if not line.hidden and disputed_by(line)]
    return tuple(sorted(found, key=lambda line: (line.place is None, line.place or 0, line.case)))


def disputed_by(line: ArchiveLine) -> tuple[str, ...]:
    """Who disagrees with the record: ``models``, ``reader``, ``peer review``, ``arbiter``."""
    if line.recorded_finding is None:
        return ()
    last = line.opinions[-1].finding if line.opinions else None
    return tuple(
        who
        for who, disagrees in (
            ("models", line.contradicts),
            ("reader", last is not None and last != line.recorded_finding),
            ("peer review", any(score != "1" for _, score in line.scores)),
            ("arbiter", line.truth is not None and line.truth != line.recorded_finding),
        )
        if disagrees
    )


_COLUMNS: dict[str, Callable[[ArchiveLine], object]] = {
    "place": lambda c: c.place,
    "case": lambda c: c.case,
    "source": lambda c: c.source,
    "patient": lambda c: c.patient,
    "system": lambda c: c.system,
    "state": lambda c: c.state,
    "date": lambda c: c.date,
    "simulated": lambda c: int(c.simulated),
    "recorded": lambda c: c.recorded,
    "recorded_finding": lambda c: _word(c.recorded_finding),
    "recorded_reader": lambda c: c.recorded_reader,
    "hidden": lambda c: int(c.hidden),
    "against_record": lambda c: c.against,
    "probability_record_wrong": lambda c: _number(c.probability),
    "reason": lambda c: c.reason,
    "models": lambda c: "; ".join(_model(m) for m in c.models),
    "opinions": lambda c: "; ".join(_opinion(o) for o in c.opinions),
    "peer_review": lambda c: "; ".join(f"reader {reader}: {score}" for reader, score in c.scores),
    "adjudicated_finding": lambda c: _word(c.truth),
    "adjudicated_label": lambda c: c.truth_label,
    "disputed_by": lambda c: ", ".join(disputed_by(c)),
}


def archive_csv(report: ArchiveReport) -> str:
    """Every case of the archive, best first, one row each."""
    return _csv(report.lines)


def discrepancy_csv(report: ArchiveReport) -> str:
    """The discrepancies only, best first; see :func:`discrepancies`."""
    return _csv(discrepancies(report))


def content_hash(report: ArchiveReport) -> str:
    """SHA-256 of the CSV of all cases: what the PDF prints, and anybody can recompute with ``sha256sum``."""
    return hashlib.sha256(archive_csv(report).encode()).hexdigest()


def _csv(lines: Sequence[ArchiveLine]) -> str:
    return rows_csv(tuple(_COLUMNS), ({name: cell(line) for name, cell in _COLUMNS.items()} for line in lines))


def _word(finding: bool | None) -> str:
    return "" if finding is None else "finding" if finding else "no finding"


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _model(m: ModelLine) -> str:
    if m.finding is None:
        return f"{m.title} {m.version}: {m.error or 'no answer'}"
    limit = f", threshold {m.threshold:.4f}" if m.threshold is not None else ""
    return f"{m.title} {m.version}: {m.finding:.4f}{limit}, {_word(m.positive)}"


def _opinion(o: OpinionLine) -> str:
    label = f" ({o.label})" if o.label else ""
    return f"reader {o.reader} {o.stage}: {_word(o.finding)}{label}, {o.confidence} %, {o.seconds:.0f} s"
