"""A model that failed on one image: every report says so there, none invents a decision, the other images stand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pypdf
import pytest

from core.reports.build import record_of
from core.reports.case import CaseReport
from core.reports.files import case_csv, case_json
from core.reports.pdf import case_pdf
from core.reports.record import CaseRecord
from tests.reports import kit

BAD = 2


@pytest.fixture(scope="module")
def report() -> CaseReport:
    whole = kit.case(kit.mr_files())
    first, *rest = whole.review.results
    assert first.finding is not None
    assert first.calibrated is not None
    finding, each = first.finding.copy(), first.calibrated.copy()
    finding[BAD], each[BAD] = np.nan, np.nan
    failed = replace(first, finding=finding, calibrated=each, raw=each)
    return replace(whole, shown=BAD, review=replace(whole.review, results=(failed, *rest), peak=BAD))


def test_the_record_names_the_slice_and_holds_no_number_there(report: CaseReport) -> None:
    record = record_of(report)
    failed, whole = record.models[0], record.models[1]
    assert failed.failed_slices == (BAD + 1,)
    assert whole.failed_slices == ()
    assert [part.slice for part in failed.slices] == [i + 1 for i in range(report.series.slices) if i != BAD]
    assert failed.at(BAD) is None
    assert whole.at(BAD) is not None
    assert CaseRecord.model_validate_json(case_json(report)) == record
    assert "NaN" not in json.dumps(json.loads(case_json(report)))


def test_the_vote_there_is_the_others(report: CaseReport) -> None:
    (here,) = [vote for vote in record_of(report).votes if vote.slice == BAD + 1]
    name = report.review.results[0].state.name
    assert name not in (*here.finding, *here.clear)
    assert len((*here.finding, *here.clear)) == len(report.review.results) - 1


def test_csv_has_no_row_for_it(report: CaseReport) -> None:
    rows = list(csv.DictReader(io.StringIO(case_csv(report))))
    name = report.review.results[0].state.name
    assert str(BAD + 1) not in {r["slice"] for r in rows if r["model"] == name}
    assert str(BAD + 1) in {r["slice"] for r in rows if r["model"] != name}
    assert not any("nan" in value.lower().split() for row in rows for value in row.values())


def test_the_paper_says_failed(report: CaseReport) -> None:
    paper = pypdf.PdfReader(io.BytesIO(case_pdf(report)))
    text = " ".join(" ".join(page.extract_text() for page in paper.pages).split())
    assert "failed on this image" in text
    assert "nan" not in text.lower().split()
