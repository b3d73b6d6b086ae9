"""From the store's rows to plain report lines, respecting what the reader who asks may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.reports.archive import ArchiveLine, ArchiveReport, ModelLine, YieldPoint
from core.reports.case import OpinionLine
from core.review.archives import Against, Installed, WorklistRow, archive_yield, check_drift, worklist
from core.review.people import Action, allowed, require
from core.review.store import Store
from core.review.summary import By, summary
from core.review.tables import Adjudication, Opinion
from core.review.vocabulary import CaseState, Outcome
from core.systems import system

UNTOUCHED = (CaseState.NEW, CaseState.SCORED)


def opinion_lines(opinions: Iterable[Opinion]) -> tuple[OpinionLine, ...]:
    """Opinions of the store as a report shows them, oldest first; readers stay numbers."""
    return tuple(
        OpinionLine(
            stage=o.stage,
            reader=o.reader,
            finding=o.finding,
            label=o.label,
            confidence=o.confidence,
            locked_at=o.locked_at,
            seconds=o.seconds,
            marks=len(o.marks),
            comment=o.comment,
        )
        for o in sorted(opinions, key=lambda o: o.locked_at)
    )


def archive_report(store: Store, archive_id: int, models: Installed, reader: int) -> ArchiveReport:
    """The report of an archive as one reader may see it.

    Cases that are still blind for the reader are listed without anything the models say. The yield, which tells of the
    models in sum, is left out while any case is.

    Raises:
        NotAllowedError: the reader may not make reports. NotFoundError: there is no such archive.
    """
    require(store.user(reader), Action.REPORT)
    archive, listed = store.archive(archive_id), worklist(store, archive_id, models, reader)
    declared = system(models.system)
    truths = {truth.case_id: truth for truth in store.adjudications(archive_id)}
    imported = store.import_report(archive_id)
    blind = listed.hidden > 0
    found = None if blind or not listed.rows else archive_yield(store, archive_id, models)
    drift = [] if blind else check_drift(store, archive_id, models, keep=False)
    return ArchiveReport(
        name=archive.name,
        note=archive.note,
        mode=archive.mode,
        system=declared.title,
        lines=tuple(_line(store, row, truths.get(row.case_id), reader) for row in listed.rows),
        pedigree=listed.pedigree,
        finding=declared.finding,
        clear=declared.clear,
        yield_sentence=found.sentence if found else "",
        yield_points=tuple(YieldPoint(p.depth, p.reads_per_miss, p.low, p.high) for p in found.points) if found else (),
        files=tuple(sorted(Counter(file.outcome for file in imported).items())),
        unread=tuple((f.path, f.reason) for f in imported if f.outcome == Outcome.UNREADABLE),
        patients=len(
            {case.patient for case in store.cases(archive_id) if case.patient and case.system == models.system}
        ),
        peer=_peer(store, archive_id, reader),
        drift=tuple(f"{d.title}: {d.drift.sentence if d.drift else d.why}" for d in drift),
    )


def _peer(store: Store, archive_id: int, reader: int) -> tuple[str, ...]:
    """What peer review adds up to per reader group, for whoever may see summaries."""
    if not allowed(store.user(reader), Action.SUMMARISE):
        return ()
    lines = summary(store, by=By.TEAM, archive_id=archive_id)
    return tuple(f"Reader group {line.key}: {line.text}" for line in lines)


def _line(store: Store, row: WorklistRow, truth: Adjudication | None, reader: int) -> ArchiveLine:
    known = not row.hidden and row.state not in UNTOUCHED
    shown = truth if not row.hidden else None
    return ArchiveLine(
        case=row.case_id,
        source=row.source,
        patient=row.patient,
        system=row.system or "",
        state=str(row.state),
        recorded=row.recorded_label or row.recorded_text,
        recorded_finding=row.recorded_finding,
        recorded_reader=row.reader,
        date=row.date,
        simulated=row.simulated,
        hidden=row.hidden,
        place=row.rank,
        against=str(row.against or ""),
        contradicts=row.against in (Against.MISSED, Against.OVERCALLED),
        split=row.tied,
        probability=row.probability,
        reason=row.reason,
        models=tuple(
            ModelLine(a.title, a.version, a.finding, a.positive, a.threshold, a.error)
            for a in (*row.answers, *row.beside)
        ),
        opinions=opinion_lines(store.opinions(row.case_id, reader)) if known else (),
        scores=tuple((p.reader, p.score) for p in store.peer_reviews(row.case_id)) if known else (),
        truth=shown.finding if shown else None,
        truth_label=shown.label if shown else None,
    )
