"""The report of one archive on paper: what came in, where models and record differ, what reading it yields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer

from core.engine.words import probability
from core.reports.archive import ArchiveLine, ArchiveReport, content_hash, discrepancies, disputed_by
from core.reports.case import SOFTWARE, SOFTWARE_VERSION
from core.reports.pdf.charts import reads_needed
from core.reports.pdf.page import WIDTH, boxed, build, grid, moment, section, words

MOST_LISTED = 60
MOST_UNREAD = 25


def archive_pdf(report: ArchiveReport) -> bytes:
    """Summary of an archive as PDF, A4, with its discrepancies, best first."""
    seal = content_hash(report)
    story: list[Flowable] = [
        words(f"Archive report: {report.name}", "title"),
        *([words(report.note), Spacer(1, 2 * mm)] if report.note else []),
        *_simulated(report),
        _facts(report),
        *_comparison(report),
        *_yield(report),
        *_discrepancies(report),
        *_sentences("Peer review", report.peer),
        *_sentences("Scores against the calibration sets", report.drift),
        *_unread(report),
        section("What the numbers rest on"),
        words(report.pedigree or "The archive has not been scored by the installed models."),
        words(
            "Every model answers each case on its most suspicious image, at the threshold stored with that version. "
            "The ranking is by the probability that the record is wrong: where a second look pays, not who erred.",
            "small",
        ),
        words(
            f"Content SHA-256 {seal}: of the CSV of all cases that belongs to this report. "
            f"{SOFTWARE} {SOFTWARE_VERSION}, {moment(report.generated_at)}.",
            "small",
        ),
    ]
    foot = f"Archive {report.name}, generated {moment(report.generated_at)}, content SHA-256 {seal[:16]}"
    return build(
        story,
        title=f"Overread archive report, {report.name}",
        subject=report.system,
        foot=foot,
        generated_at=report.generated_at,
    )


def _simulated(report: ArchiveReport) -> list[Flowable]:
    count = sum(line.simulated for line in report.lines)
    if not count:
        return []
    text = f"{count} of {len(report.lines)} cases are simulated: drawn by a computer, not patients."
    return [boxed([words(text, "notice")]), Spacer(1, 2 * mm)]


def _facts(report: ArchiveReport) -> Flowable:
    lines = report.lines
    days = sorted(line.date for line in lines if line.date)
    states = Counter(line.state for line in lines)
    hidden = sum(line.hidden for line in lines)
    rows = [
        ("System", report.system),
        ("Read", f"{report.mode}; {hidden} still blind for the reader of this report"),
        ("Cases", f"{len(lines)} of {report.patients} patients" if report.patients else str(len(lines))),
        ("Period", f"{days[0]} to {days[-1]}" if days else "no dates recorded"),
        ("States", ", ".join(f"{state} {count}" for state, count in states.most_common()) or "none"),
        ("Files", ", ".join(f"{outcome} {count}" for outcome, count in report.files) or "no import recorded"),
    ]
    return grid([(words(a, "head"), b) for a, b in rows], (60, WIDTH - 60), head=False)


def _comparison(report: ArchiveReport) -> list[Flowable]:
    """Counts of the recorded diagnosis against the decision of most models, for cases the reader may see."""
    told = [line for line in report.lines if not line.hidden and line.place is not None]
    both = [line for line in told if line.recorded_finding is not None]
    if not both:
        return []
    missed = sum(c.contradicts and not c.recorded_finding for c in both)
    called = sum(c.contradicts and bool(c.recorded_finding) for c in both)
    agreed = [c for c in both if not c.contradicts and not c.split]
    found = sum(bool(c.recorded_finding) for c in agreed)
    clear = len(agreed) - found
    tied = [sum(c.split and bool(c.recorded_finding) is recorded for c in both) for recorded in (True, False)]
    rows = [
        ("", f"Most models: {report.finding}", f"Most models: {report.clear}", "Models are split", "All"),
        (
            words("Recorded: finding", "strong"),
            str(found),
            words(str(called), "strong"),
            str(tied[0]),
            str(found + called + tied[0]),
        ),
        (
            words("Recorded: no finding", "strong"),
            words(str(missed), "strong"),
            str(clear),
            str(tied[1]),
            str(missed + clear + tied[1]),
        ),
    ]
    note = f"{len(both)} of {len(told)} cases that may be shown have a record to compare with."
    return [
        KeepTogether(
            [section("Models against the record"), grid(rows, (110, 125, 125, 90, WIDTH - 450)), words(note, "small")]
        )
    ]


def _yield(report: ArchiveReport) -> list[Flowable]:
    if not report.yield_sentence:
        return []
    out: list[Flowable] = [section("Reads needed to find one relevant miss"), words(report.yield_sentence)]
    if len(report.yield_points) > 1:
        out.append(reads_needed([(p.depth, p.reads_per_miss, p.low, p.high) for p in report.yield_points]))
    return [KeepTogether(out)]


def _discrepancies(report: ArchiveReport) -> list[Flowable]:
    found = discrepancies(report)
    if not found:
        return [section("Discrepancies"), words("None among the cases that may be shown.")]
    counts = Counter(who for line in found for who in disputed_by(line))
    told = ", ".join(f"{who} {count}" for who, count in counts.most_common())
    rows: list[Sequence[object]] = [
        ("Place", "Case", "Recorded", "Record wrong: chance", "Disputed by", "Why it stands here")
    ]
    rows += [_row(line) for line in found[:MOST_LISTED]]
    out: list[Flowable] = [
        CondPageBreak(60 * mm),
        section("Discrepancies"),
        words(f"{len(found)} cases in which somebody or something disagrees with the record: {told}."),
        grid(rows, (32, 102, 78, 44, 62, WIDTH - 318)),
    ]
    if len(found) > MOST_LISTED:
        out.append(words(f"The first {MOST_LISTED} of {len(found)}; the discrepancy list (CSV) has all.", "small"))
    return out


def _row(line: ArchiveLine) -> Sequence[object]:
    by = f"recorded by no. {line.recorded_reader}" if line.recorded_reader is not None else ""
    patient = f"patient {line.patient}" if line.patient else ""
    return (
        "" if line.place is None else str(line.place),
        [words(line.source), words(", ".join(filter(None, (f"case {line.case}", patient, line.date))), "small")],
        [words(line.recorded or "finding"), *([words(by, "small")] if by else [])],
        "" if line.probability is None else probability(line.probability),
        ", ".join(disputed_by(line)),
        [words(line.reason or "–", "small"), *(words(said, "small") for said in _said(line))],
    )


def _said(line: ArchiveLine) -> list[str]:
    out = [
        f"Reader {o.reader}, {o.stage}: {'finding' if o.finding else 'no finding'}"
        f"{f' ({o.label})' if o.label else ''}, {o.confidence} %."
        for o in line.opinions
    ]
    out += [f"Peer review by reader {reader}: {score}." for reader, score in line.scores]
    if line.truth is not None:
        out.append(f"Adjudicated: {line.truth_label or ('finding' if line.truth else 'no finding')}.")
    return out


def _sentences(title: str, said: Sequence[str]) -> list[Flowable]:
    return [section(title), *(words(sentence) for sentence in said)] if said else []


def _unread(report: ArchiveReport) -> list[Flowable]:
    if not report.unread:
        return []
    rows: list[Sequence[object]] = [("File", "Why it could not be read"), *report.unread[:MOST_UNREAD]]
    out: list[Flowable] = [section("Files that could not be read"), grid(rows, (180, WIDTH - 180))]
    if len(report.unread) > MOST_UNREAD:
        out.append(words(f"and {len(report.unread) - MOST_UNREAD} more.", "small"))
    return out
