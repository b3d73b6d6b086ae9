"""Reading a sheet of cases: columns by any of their names, every bad row named, dates never guessed both ways."""

from __future__ import annotations

import datetime

import pytest

from core.errors import ArchiveError
from core.review.archives.intake.sheet import Column, headers, read_sheet
from core.review.archives.recorded import recorded_class, untold


def test_names_are_forgiven_and_a_column_is_used_once() -> None:
    sheet = read_sheet(
        b"Image Path;Patient_ID;Report Label;Radiologist;Study Date\na/1.png;P1;no tumour;Dr X;31.01.2026\n"
    )
    assert sheet.columns == {
        Column.FILE: "Image Path",
        Column.PATIENT: "Patient_ID",
        Column.RECORDED: "Report Label",
        Column.READER: "Radiologist",
        Column.DATE: "Study Date",
    }
    (row,) = sheet.rows
    assert (row.file, row.patient, row.recorded, row.reader) == ("a/1.png", "P1", "no tumour", "Dr X")
    assert row.date == datetime.date(2026, 1, 31)


def test_the_layout_of_the_shipped_sets_is_understood() -> None:
    sheet = read_sheet(b"image,mask,patient,slice,tumour\nimages/A/1.jpg,masks/A/1.png,A,1,0\n")
    assert (sheet.rows[0].file, sheet.rows[0].patient, sheet.rows[0].recorded) == ("images/A/1.jpg", "A", "0")


def test_an_explicit_mapping_goes_before_the_names() -> None:
    data = b"file,label,checked\n1.png,0,tumour\n"
    sheet = read_sheet(data, {Column.RECORDED: "checked"})
    assert sheet.rows[0].recorded == "tumour"
    with pytest.raises(ArchiveError, match=r"no column 'nope'.*file, label, checked"):
        read_sheet(data, {Column.RECORDED: "nope"})


def test_bad_rows_are_named_as_a_spreadsheet_counts_and_the_rest_is_read() -> None:
    sheet = read_sheet(
        b"file,patient,label,date\nok.png,A,0,2026-01-02\n,A,1,\n../../etc/passwd,A,1,\nC:\\x.png,A,1,\n"
        b"ok.png,A,1,\nlate.png,B,1,yesterday\n\nshort.png\n"
    )
    assert [row.file for row in sheet.rows] == ["ok.png", "late.png", "short.png"]
    assert [problem.row for problem in sheet.problems] == [3, 4, 5, 6, 7]
    assert all(problem.remedy for problem in sheet.problems)
    assert "row 2 already, with other entries" in sheet.problems[3].text
    assert sheet.rows[1].date is None


def test_dates_that_can_be_read_two_ways_are_asked_about() -> None:
    with pytest.raises(ArchiveError, match="day/month and as month/day"):
        read_sheet(b"file,date\na.png,03/04/2026\n")
    told = read_sheet(b"file,date\na.png,03/04/2026\n", date_format="%m/%d/%Y")
    assert told.rows[0].date == datetime.date(2026, 3, 4)
    decided = read_sheet(b"file,date\na.png,03/04/2026\nb.png,25/04/2026\n")
    assert decided.rows[0].date == datetime.date(2026, 4, 3)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"patient,label\nA,1\n", b"\n\n"])
def test_what_is_no_sheet_of_files_is_refused_with_a_remedy(data: bytes) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_sheet(data)
    assert caught.value.remedy


def test_spreadsheet_encodings_are_read() -> None:
    text = "file,label\nMüller.png,ja\n"
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        data = text.encode(encoding)
        assert headers(data) == ["file", "label"]
        assert read_sheet(data).rows[0].file == "Müller.png"


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("1", "brain-mr", "tumour"),
        ("0", "brain-mr", "no tumour"),
        (" No Tumor. ", "brain-mr", "no tumour"),
        ("TUMOR", "brain-mr", "tumour"),
        ("no evidence of tumour", "brain-mr", "no tumour"),
        ("normal", "chest-ct", "not malignant"),
        ("benign", "chest-ct", "not malignant"),
        ("malignancy", "chest-ct", "malignant"),
        ("benign", "breast-mri", "benign"),
        ("cancer", "pet", "cancer"),
        # what cannot be told stays untold: a benign brain tumour is a tumour, a report's sentence is not interpreted
        ("benign", "brain-mr", None),
        ("tumour cannot be excluded, follow up", "brain-mr", None),
        ("", "brain-mr", None),
        (None, "brain-mr", None),
    ],
)
def test_recorded_words_become_classes_or_stay_untold(text: str | None, name: str, expected: str | None) -> None:
    assert recorded_class(text, name) == expected


def test_the_users_own_words_are_mapped_and_the_others_listed() -> None:
    texts = ["Befund", "o.B.", "Befund", "0", None]
    assert [(u.text, u.rows) for u in untold(texts, "brain-mr")] == [("Befund", 2), ("o.B.", 1)]
    mapping = {"befund": "tumour", "o.B.": "no tumour"}
    assert untold(texts, "brain-mr", mapping) == []
    assert recorded_class("BEFUND", "brain-mr", mapping) == "tumour"
    with pytest.raises(ArchiveError, match="no class 'glioma'"):
        recorded_class("x", "brain-mr", {"x": "glioma"})
