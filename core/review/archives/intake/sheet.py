"""A table of cases (CSV): which column means what, and each row checked, with the row and the remedy named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import PurePosixPath

from core.errors import ArchiveError

_MOST_BYTES = 64 * 1024 * 1024
_MOST_ROWS = 500_000
_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")


class Column(StrEnum):
    """What a column of a sheet can mean."""

    FILE = "file"
    PATIENT = "patient"
    RECORDED = "recorded"
    READER = "reader"
    DATE = "date"
    MASK = "mask"
    SERIES = "series"
    SLICE = "slice"


# Names under which the columns are met, without case, spaces and underscores; the first that is there is taken.
_NAMES: Mapping[Column, tuple[str, ...]] = {
    Column.FILE: ("file", "filename", "filepath", "image", "imagefile", "imagepath", "path", "scan", "picture"),
    Column.PATIENT: ("patient", "patientid", "patientno", "pid", "subject", "subjectid", "group", "case", "caseid"),
    Column.RECORDED: (
        *("recorded", "recordeddiagnosis", "diagnosis", "reportlabel", "recordedlabel", "label", "report", "finding"),
        *("result", "class", "tumour", "tumor", "cancer", "malignant"),
    ),
    Column.READER: ("reader", "readerid", "readby", "reportedby", "radiologist", "physician"),
    Column.MASK: ("mask", "maskfile", "maskpath", "segmentation", "referencemask"),
    Column.SERIES: ("series", "seriesid", "seriesuid", "seriesinstanceuid", "scanid", "sequence", "volume"),
    Column.SLICE: ("slice", "sliceno", "slicenumber", "sliceindex", "instancenumber", "position", "z"),
    Column.DATE: ("date", "studydate", "examdate", "readdate", "reportdate", "acquisitiondate"),
}


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a row, and what helps. ``row`` counts as a spreadsheet does: the header is row 1."""

    row: int
    text: str
    remedy: str


@dataclass(frozen=True)
class SheetRow:
    """One usable row. ``file`` and ``mask`` are relative paths with forward slashes; ``place`` is the slice within the
    series, as written; empty cells are ``None``."""

    row: int
    file: str
    patient: str | None = None
    recorded: str | None = None
    reader: str | None = None
    date: date | None = None
    mask: str | None = None
    series: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A sheet read: which header means what, the usable rows, and what was wrong with others."""

    columns: Mapping[Column, str]
    rows: tuple[SheetRow, ...]
    problems: tuple[RowProblem, ...]
    date_format: str | None = None


def headers(data: bytes) -> list[str]:
    """The sheet's column names, for a page that lets the user map them.

    Raises:
        ArchiveError: it is no table.
    """
    return _table(data)[0]


def guess_columns(names: Sequence[str]) -> dict[Column, str]:
    """Which header means what, as far as the names tell."""
    plain = {re.sub(r"[\W_]+", "", name.lower()): name for name in reversed(names)}
    found: dict[Column, str] = {}
    for column, aliases in _NAMES.items():
        for alias in aliases:
            if alias in plain and plain[alias] not in found.values():
                found[column] = plain[alias]
                break
    return found


def read_sheet(data: bytes, columns: Mapping[Column, str] | None = None, *, date_format: str | None = None) -> Sheet:
    """Read a CSV (comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252).

    Args:
        data: bytes of the file, at most 64 MiB and 500,000 rows.
        columns: header of each column, as the user mapped it; what is not mapped is guessed from the names.
        date_format: as ``strptime`` has it; by default the one that fits the column.

    Raises:
        ArchiveError: no table, no file column, a mapped header that is not there, or dates that can be read two ways.
    """
    names, rows = _table(data)
    mapped = dict(columns or {})
    for column, name in mapped.items():
        if name not in names:
            raise ArchiveError(
                f"The sheet has no column {name!r} for the {column}.", f"Its columns are: {', '.join(names)}."
            )
    taken = set(mapped.values())
    mapped |= {c: n for c, n in guess_columns(names).items() if c not in mapped and n not in taken}
    if Column.FILE not in mapped:
        raise ArchiveError(
            f"No column names the file; the columns are: {', '.join(names) or 'none'}.",
            "Name one of them `file`, or say which one it is.",
        )
    places = {column: names.index(name) for column, name in mapped.items()}
    dates = _cells(rows, places.get(Column.DATE))
    chosen = date_format or _date_format(dates, mapped.get(Column.DATE, ""))
    return Sheet(mapped, *_rows(rows, places, chosen), date_format=chosen)


def _rows(
    rows: list[list[str]], places: dict[Column, int], date_format: str | None
) -> tuple[tuple[SheetRow, ...], tuple[RowProblem, ...]]:
    good: list[SheetRow] = []
    bad: list[RowProblem] = []
    seen: dict[str, SheetRow] = {}
    for number, cells in enumerate(rows, 2):
        if not any(cell.strip() for cell in cells):
            continue
        values = {column: cells[place].strip() if place < len(cells) else "" for column, place in places.items()}
        path = relative_path(values[Column.FILE])
        if path is None:
            said = values[Column.FILE]
            text = "The path leads out of the archive's folder." if said else "No file is named."
            bad.append(RowProblem(number, text, "Give the file's path relative to the sheet."))
            continue
        when, text = None, values.get(Column.DATE, "")
        if text and date_format:
            when = _date(text, date_format)
        if text and when is None:
            wanted = date.today().strftime(date_format) if date_format else "2026-01-31"
            bad.append(RowProblem(number, f"The date is not written like {wanted}.", "Correct it; it is left out."))
        row = SheetRow(
            row=number,
            file=path,
            patient=values.get(Column.PATIENT) or None,
            recorded=values.get(Column.RECORDED) or None,
            reader=values.get(Column.READER) or None,
            date=when,
            mask=relative_path(values.get(Column.MASK, "")),
            series=values.get(Column.SERIES) or None,
            place=values.get(Column.SLICE) or None,
        )
        earlier = seen.get(path)
        if earlier is not None:
            same = (earlier.patient, earlier.recorded) == (row.patient, row.recorded)
            text = f"The file stands in row {earlier.row} already" + ("." if same else ", with other entries.")
            bad.append(RowProblem(number, text, f"Row {earlier.row} is taken; remove one of them."))
            continue
        seen[path] = row
        good.append(row)
    return tuple(good), tuple(bad)


def relative_path(text: str) -> str | None:
    """A path within the archive's folder, or ``None`` for an empty one or one that leads out of it."""
    path = PurePosixPath(text.strip().replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", str(path)):
        return None
    return str(path)


def _table(data: bytes) -> tuple[list[str], list[list[str]]]:
    if len(data) > _MOST_BYTES:
        raise ArchiveError("The sheet is larger than 64 MiB.", "Split it.")
    text = _text(data)
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=first.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise ArchiveError(f"The sheet is no CSV table ({error}).", "Save it as CSV (UTF-8) again.") from error
    if not table or not any(cell.strip() for cell in table[0]):
        raise ArchiveError("The sheet is empty.", "The first row names the columns: file, patient, recorded.")
    if len(table) > _MOST_ROWS:
        raise ArchiveError(f"The sheet has {len(table):,} rows; the limit is {_MOST_ROWS:,}.", "Split it.")
    return [cell.strip() for cell in table[0]], table[1:]


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in data[:4096]:
        raise ArchiveError("The sheet is no text file.", "Save the spreadsheet as CSV (UTF-8).")
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ArchiveError("The sheet's characters cannot be told.", "Save it as CSV (UTF-8).")


def _cells(rows: list[list[str]], place: int | None) -> list[str]:
    if place is None:
        return []
    return [cells[place].strip() for cells in rows if place < len(cells) and cells[place].strip()]


def _date_format(texts: list[str], name: str) -> str | None:
    """The format that fits most entries; day and month that could be either are asked about, not guessed."""
    fits = {form: sum(_date(text, form) is not None for text in texts) for form in _FORMATS}
    best = max(fits, key=lambda form: fits[form], default=None)
    if best is None or fits[best] == 0:
        return None
    twice = [form for form in ("%d/%m/%Y", "%m/%d/%Y") if fits[form] == fits[best]]
    if len(twice) == 2 and any(_date(text, twice[0]) != _date(text, twice[1]) for text in texts):
        raise ArchiveError(
            f"The dates in column {name!r} can be read as day/month and as month/day.",
            "Say which (date format %d/%m/%Y or %m/%d/%Y), or write them as 2026-01-31.",
        )
    return best


def _date(text: str, form: str) -> date | None:
    """A date, with or without a time behind it."""
    try:
        return datetime.strptime(re.split(r"[T ]", text, maxsplit=1)[0], form).date()
    except ValueError:
        return None
