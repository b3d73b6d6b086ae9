"""What the reader measured by hand stands in PDF, JSON and CSV, said to be the reader's, under the same hash."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import jsonschema
import pypdf
import pytest

from core.errors import ReportError
from core.reports import schema
from core.reports.build import record_of
from core.reports.case import CaseReport
from core.reports.drawn import DrawnPart, QuantityPart
from core.reports.files import case_csv, case_json
from core.reports.pdf import case_pdf
from core.reports.pdf.drawn import drawn_by_hand
from core.reports.record import CaseRecord
from tests.reports import kit

LENGTH = DrawnPart(
    kind="length",
    slice=2,
    points=((4.0, 6.0), (16.0, 14.0)),  # 12 columns of 0.5 mm, 8 rows of 0.75 mm: 6 mm each way
    quantities=(QuantityPart(name="length", value=72**0.5, unit="mm"),),
)
REGION = DrawnPart(
    kind="ellipse",
    slice=4,
    points=((10.0, 4.0), (10.0, 8.0), (7.0, 6.0), (13.0, 6.0)),
    quantities=(
        QuantityPart(name="area", value=7.0686, unit="mm²"),
        QuantityPart(name="pixels", value=21, unit=""),
        QuantityPart(name="mean", value=45.6789, unit="HU"),
        QuantityPart(name="standard deviation", value=3.14159, unit="HU"),
    ),
)


@pytest.fixture(scope="module")
def report() -> CaseReport:
    return replace(kit.case(kit.mr_files()), drawn=(LENGTH, REGION))


def text_of(report: CaseReport) -> str:
    sheets = pypdf.PdfReader(io.BytesIO(case_pdf(report))).pages
    return re.sub(r"\s+", " ", " ".join(sheet.extract_text() for sheet in sheets))


def test_the_pdf_has_kind_image_numbers_and_place(report: CaseReport) -> None:
    said = text_of(report)
    table = said[said.index("Measured by hand") :]
    assert "Length 2 8.5 mm (4.0, 6.0) to (16.0, 14.0)" in table
    assert "Ellipse 4 area 7.1 mm², pixels 21, mean 45.7 HU, SD 3.1 HU columns 7.0 to 13.0, rows 4.0 to 8.0" in table
    assert "Drawn by the reader who made this report, not by a model" in table
    assert drawn_by_hand(record_of(replace(report, drawn=()))) == []


def test_a_grey_level_has_no_unit_to_be_read() -> None:
    grey = (QuantityPart(name="mean", value=142.25, unit="grey level"), QuantityPart(name="maximum", value=9, unit=""))
    one = DrawnPart(kind="rectangle", slice=1, points=((0, 0), (3, 3)), quantities=grey)
    assert one.words == "mean 142, maximum 9"


def test_json_and_csv_have_them_as_they_are_and_the_hash_covers_them(report: CaseReport) -> None:
    content = json.loads(case_json(report))
    published = json.loads(schema.FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(published).validate(content)
    assert content["drawn"][0] == {
        "kind": "length",
        "slice": 2,
        "points": [[4.0, 6.0], [16.0, 14.0]],
        "quantities": [{"name": "length", "value": 72**0.5, "unit": "mm"}],
    }
    assert CaseRecord.model_validate(content).intact
    content["drawn"][0]["quantities"][0]["value"] = 9.0
    assert not CaseRecord.model_validate(content).intact
    rows = [r for r in csv.DictReader(io.StringIO(case_csv(report))) if r["model"] != "ensemble"]
    assert {(r["slice"], r["measured_by_reader"]) for r in rows if r["measured_by_reader"]} == {
        ("2", "length 8.5 mm"),
        ("4", "ellipse area 7.1 mm², pixels 21, mean 45.7 HU, SD 3.1 HU"),
    }
    assert {r["slice"] for r in rows} == {"1", "2", "3", "4", "5"}


def test_models_say_the_same_with_and_without_them(report: CaseReport) -> None:
    with_, without = json.loads(case_json(report)), json.loads(case_json(replace(report, drawn=())))
    assert {k for k in with_ if with_[k] != without[k]} == {"drawn", "content_sha256"}


def test_a_measurement_of_another_series_and_a_blind_case_are_refused(report: CaseReport) -> None:
    with pytest.raises(ReportError, match="slice 6"):
        replace(report, drawn=(LENGTH.model_copy(update={"slice": 6}),))
    with pytest.raises(ReportError, match="blind"):
        replace(report, opinions=())
