"""Reports of an archive: the lists, the paper, and what a reader who is still blind may not see."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest

from core.errors import NotAllowedError
from core.reports.archive import (
    ArchiveLine,
    ArchiveReport,
    ModelLine,
    YieldPoint,
    archive_csv,
    discrepancies,
    discrepancy_csv,
    disputed_by,
)
from core.reports.case import OpinionLine
from core.reports.from_store import archive_report
from core.reports.pdf import archive_pdf
from core.review import Mode, Radpeer, Stage, Store
from core.review.archives import begin_scoring, installed, wait
from tests.review import archive_kit as kit

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def line(case: int, place: int | None, *, recorded: bool | None = False, contradicts: bool = False, **more):  # type: ignore[no-untyped-def]
    facts = {
        "source": f"bild-{case}.png",
        "patient": f"p{case % 3}",
        "system": "brain-mr",
        "state": "scored",
        "recorded": "tumour" if recorded else "no tumour",
        "recorded_finding": recorded,
        "recorded_reader": 7,
        "date": f"2026-01-{case:02d}",
        "simulated": False,
        "hidden": False,
        "against": "models find, record clear" if contradicts else "agrees",
        "contradicts": contradicts,
        "probability": 0.5 / case,
        "reason": f"Sentence über Fall {case}.",
        "models": (ModelLine("U-Net", "1", 0.75, True, 0.42), ModelLine("ResNet", "2", None, None, None, "too small")),
    }
    return ArchiveLine(case=case, place=place, **(facts | more))


def opinion(finding: bool, stage: str = "final") -> OpinionLine:
    return OpinionLine(stage, 3, finding, None, 80, NOON, 20.0)


@pytest.fixture
def report() -> ArchiveReport:
    lines = (
        line(1, 1, contradicts=True),
        line(2, 2),
        line(3, 3, recorded=True, opinions=(opinion(True, "blind"), opinion(False))),
        line(4, 4, scores=((3, "2b"),), truth=False),
        line(5, None, hidden=True, probability=None, reason="", models=(), against=""),
        line(6, 6, recorded=True, truth=False, truth_label="no tumour"),
        line(7, 7, recorded=None, contradicts=True),
    )
    return ArchiveReport(
        name="Städtisches Archiv",
        note="Erste Lesung",
        mode="second reader",
        system="Brain MR",
        lines=lines,
        pedigree="U-Net 1, ResNet 2",
        finding="tumour",
        clear="no tumour seen",
        yield_sentence="About 4 reads per miss.",
        yield_points=(YieldPoint(1, 2.0, 1.0, 5.0), YieldPoint(6, 4.0, 2.0, 9.0)),
        files=(("added", 7), ("unreadable", 1)),
        patients=3,
        unread=(("x/kaputt.dcm", "The DICOM file is truncated."),),
        peer=("Reader group A: 9 of 10 concur.",),
        drift=("U-Net: scores look as in the calibration set.",),
        generated_at=NOON,
    )


def paper(report: ArchiveReport) -> tuple[str, list[str]]:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(archive_pdf(report))).pages]
    return re.sub(r"\s+", " ", " ".join(pages)), pages


def test_who_disagrees_with_the_record(report: ArchiveReport) -> None:
    told = {c.case: disputed_by(c) for c in report.lines}
    assert told[1] == ("models",)
    assert told[2] == ()
    assert told[3] == ("reader",)  # the final answer counts, not the blind one
    assert told[4] == ("peer review",)  # the truth is the record's
    assert told[6] == ("arbiter",)
    assert told[7] == ()  # nothing recorded, nothing to disagree with
    assert [c.case for c in discrepancies(report)] == [1, 3, 4, 6]


def test_csv_holds_all_cases_and_the_other_the_discrepancies(report: ArchiveReport) -> None:
    rows = list(csv.DictReader(io.StringIO(archive_csv(report))))
    assert [row["case"] for row in rows] == ["1", "2", "3", "4", "5", "6", "7"]
    assert rows[0]["models"] == "U-Net 1: 0.7500, threshold 0.4200, finding; ResNet 2: too small"
    assert float(rows[1]["probability_record_wrong"]) == 0.25
    assert rows[4]["hidden"] == "1"
    assert {rows[4][k] for k in ("models", "reason", "probability_record_wrong", "against_record")} == {""}
    worth = list(csv.DictReader(io.StringIO(discrepancy_csv(report))))
    assert [(row["case"], row["disputed_by"]) for row in worth] == [
        ("1", "models"),
        ("3", "reader"),
        ("4", "peer review"),
        ("6", "arbiter"),
    ]


def test_no_cell_is_a_formula(report: ArchiveReport) -> None:
    nasty = replace(report, lines=(replace(report.lines[0], source='=HYPERLINK("http://x")', recorded="@SUM(A1)"),))
    row = next(csv.DictReader(io.StringIO(archive_csv(nasty))))
    assert row["source"].startswith("'=")
    assert row["recorded"].startswith("'@")


def test_the_paper_says_it_all(report: ArchiveReport) -> None:
    words, pages = paper(report)
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Research and teaching only" in page
    for text in (
        "Städtisches Archiv",
        "Sentence über Fall 1.",
        "About 4 reads per miss.",
        "The DICOM file is truncated.",
        "Reader group A: 9 of 10 concur.",
        "as in the calibration set",
        "2026-01-01 to 2026-01-07",
        "7 of 3 patients",
        "1 still blind for the reader",
        "Peer review by reader 3: 2b.",
    ):
        assert text in words, text
    # five cases with a record and a place that is not hidden: one missed, none overcalled, two each agreed
    assert "Recorded: no finding 1 2 0 3" in words
    assert "Recorded: finding 2 0 0 2" in words
    assert hashlib.sha256(archive_csv(report).encode()).hexdigest() in words.replace(" ", "")
    assert "Sentence über Fall 2." not in words  # no discrepancy


def test_long_lists_run_over_pages(report: ArchiveReport) -> None:
    many = tuple(line(n + 1, n + 1, contradicts=True, date=None) for n in range(90))
    words, pages = paper(replace(report, lines=many))
    assert len(pages) > 2
    assert "The first 60 of 90" in words
    assert words.count("Why it stands here") >= 2  # the head is repeated


@pytest.fixture(scope="module")
def engine() -> kit.GreyEngine:
    return kit.GreyEngine()


def scored(store: Store, engine: kit.GreyEngine, folder: Path, mode: Mode) -> int:
    """Six pictures of three patients; the first is recorded clear and looks like a tumour."""
    levels = {"a": [(0.9, 0), (0.1, 0)], "b": [(0.2, 0), (0.8, 1)], "c": [(0.15, 0), (0.85, 1)]}
    archive = kit.imported(store, kit.folder(folder, levels), mode=mode)
    run = wait(store, begin_scoring(store, engine, 1, archive, kit.SYSTEM))  # type: ignore[arg-type]
    assert run.state == "done", run.message
    return archive


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store.open(str(tmp_path / "store"))
    opened.local_user()
    return opened


def test_an_open_archive_tells_everything(store: Store, engine: kit.GreyEngine, tmp_path: Path) -> None:
    archive = scored(store, engine, tmp_path / "in", Mode.OPEN)
    told = archive_report(store, archive, installed(engine, kit.SYSTEM), 1)  # type: ignore[arg-type]
    assert len(told.lines) == 6
    top = discrepancies(told)[0]
    assert (top.place, top.recorded_finding, top.contradicts) == (1, False, True)
    by_title = {m.title: m.finding for m in top.models}
    assert len(by_title) == 3
    assert max(by_title.values()) == pytest.approx(0.94, abs=0.01)  # type: ignore[type-var]
    assert told.yield_sentence
    words, _ = paper(told)
    assert top.reason[:40] in words


def test_a_blind_reader_s_report_tells_nothing_of_the_models(
    store: Store, engine: kit.GreyEngine, tmp_path: Path
) -> None:
    archive = scored(store, engine, tmp_path / "in", Mode.SECOND_READER)
    models = installed(engine, kit.SYSTEM)  # type: ignore[arg-type]
    told = archive_report(store, archive, models, 1)
    assert all(c.hidden and not c.models and c.place is None and c.probability is None for c in told.lines)
    assert (told.yield_sentence, told.yield_points, told.drift, discrepancies(told)) == ("", (), (), ())
    # beside a case's place in the reading order, what is recorded would tell what the models say
    assert {(c.source, c.patient, c.recorded, c.recorded_finding, c.recorded_reader) for c in told.lines} == {
        ("", "", "", None, None)
    }
    assert (told.patients, len(told.lines)) == (3, 6)
    for text in (archive_csv(told), paper(told)[0]):
        assert not any(secret in text for secret in ("a-001", "no tumour", "Reader 1"))
    number = next(c.id for c in store.cases(archive) if kit.real(store, c.source).startswith("a-001")) or 0
    store.lock_opinion(number, 1, Stage.BLIND, finding=True, label="tumour", confidence=70, started=NOON, seconds=9.0)
    store.peer_review(number, 1, Radpeer("3b"))
    after = {c.case: c for c in archive_report(store, archive, models, 1).lines}
    assert (after[number].hidden, after[number].scores) == (False, ((1, "3b"),))
    assert [(o.reader, o.stage, o.confidence) for o in after[number].opinions] == [(1, "blind", 70)]
    assert disputed_by(after[number]) == ("models", "reader", "peer review")
    assert sum(c.hidden for c in after.values()) == 5
    (peer,) = archive_report(store, archive, models, 1).peer
    assert peer == ("Reader group not recorded: 1 reviewed; 1 wait for arbitration. Nothing is decided yet.")


def test_reports_take_the_right(store: Store, engine: kit.GreyEngine, tmp_path: Path) -> None:
    archive = scored(store, engine, tmp_path / "in", Mode.OPEN)
    stranger = store.sign_in("https://idp", "s", "Somebody", None, False)
    with pytest.raises(NotAllowedError):
        archive_report(store, archive, installed(engine, kit.SYSTEM), stranger.number)  # type: ignore[arg-type]
