"""Readings of a reader study as a file: who said what of which case, with which arm; the table and iMRMC's format.

iMRMC (US Food and Drug Administration, github.com/DIDSR/iMRMC) is the program that such studies are checked with.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import OverreadError
from core.statistics import StatisticsInputError
from core.statistics.multireader import split_plot

FloatArray = NDArray[np.float64]
COLUMNS = ("reader", "case", "arm", "truth", "rating")
ADVISED = ("reader", "case", "arm", "truth", "ai", "decision")
LARGEST = 64 * 1024 * 1024  # bytes; a study of a million readings is smaller
_TRUTH_READER, _TRUTH_ARM = "-1", "0"


@dataclass(frozen=True)
class Readings:
    """A study, fully crossed or split-plot (``core.statistics.multireader.split_plot``).

    Attributes:
        arms, readers, cases: names, in the order of the file. truth: ``(cases,)`` 1 with a finding, 0 without.
        ratings: ``(arms, readers, cases)``, higher is surer of a finding; NaN where a reader was not given a case.
    """

    arms: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    truth: FloatArray
    ratings: FloatArray


def read(path: Path) -> Readings:
    """Readings from a CSV with the columns reader, case, arm, truth, rating, or from an ``.imrmc`` file.

    Raises:
        OverreadError: the file cannot be read, a case has two truths, a reading is missing or there twice.
    """
    text = _text(path)
    rows = _imrmc_rows(text) if path.suffix.lower() == ".imrmc" else _table_rows(text, path.name)
    return _study(rows)


def read_advised(path: Path) -> tuple[Readings, FloatArray]:
    """Decisions of readers alone (the first arm of the file) and with a machine's advice (the second).

    Args:
        path: CSV with the columns reader, case, arm, truth, ai, decision; the last three 0 or 1.

    Returns:
        The readings with decisions as ratings, and the advice ``(cases,)``.

    Raises:
        OverreadError: as ``read``; not two arms, a case with two advices.
    """
    text = _text(path)
    decided = _study(_table_rows(text, path.name, ADVISED, "truth", "decision"))
    if np.isnan(decided.ratings).any():
        raise OverreadError("Not every reader has decided on every case.", "Keep the readers and cases that have.")
    if len(decided.arms) != 2:
        raise OverreadError(f"{len(decided.arms)} arms instead of two.", "Give the readings alone and with the advice.")
    if not np.isin(decided.ratings, (0, 1)).all():
        raise OverreadError("A decision is neither 0 nor 1.", "Write 1 where the reader calls a finding, else 0.")
    return decided, _study(_table_rows(text, path.name, ADVISED, "ai", "decision")).truth


def imrmc(readings: Readings, about: str = "") -> str:
    """The readings as iMRMC reads them: numbers in place of names, one row of truth a case.

    Args:
        about: a line for the head of the file.
    """
    negatives = int((readings.truth == 0).sum())
    lines = [
        " ".join(about.split()) or "Reader study",
        f"N0: {negatives}",
        f"N1: {len(readings.cases) - negatives}",
        f"NR: {len(readings.readers)}",
        f"NM: {len(readings.arms)}",
        "",
        "BEGIN DATA:",
        *(f"{_TRUTH_READER},{c},{_TRUTH_ARM},{int(t)}" for c, t in enumerate(readings.truth, 1)),
    ]
    for a in range(len(readings.arms)):
        for r in range(len(readings.readers)):
            said = enumerate(readings.ratings[a, r], 1)
            lines += [f"{r + 1},{c},{a + 1},{value:.10g}" for c, value in said if np.isfinite(value)]
    return "\n".join(lines) + "\n"


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise OverreadError(f"{path.name} is larger than {LARGEST >> 20} MiB.", "Keep the named columns only.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OverreadError(f"{path.name} could not be read.", "Give a text file in UTF-8.") from error


@dataclass(frozen=True)
class _Row:
    reader: str
    case: str
    arm: str
    truth: float
    rating: float


def _number(text: str, line: int, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise OverreadError(f"Line {line}: the {what} is no number.", "Write numbers with a point, leave none out.")
    return value


def _truth(text: str, line: int, what: str = "truth") -> float:
    value = _number(text, line, what)
    if value not in (0, 1):
        raise OverreadError(f"Line {line}: the {what} is neither 0 nor 1.", "Write 1 with a finding, 0 without.")
    return value


def _table_rows(
    text: str, name: str, columns: tuple[str, ...] = COLUMNS, truth: str = "truth", rating: str = "rating"
) -> list[_Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        named = reader.fieldnames or ()
    except csv.Error as error:
        raise OverreadError(f"{name} is no table of text ({error}).", "Save it as CSV with commas.") from error
    heads = {(head or "").strip().lower(): head for head in named}
    missing = [column for column in columns if column not in heads]
    if missing:
        raise OverreadError(
            f"{name} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            f"Give one row a reading, with the columns {', '.join(columns)}.",
        )
    rows = []
    for line, row in enumerate(_lines(reader, name), 2):
        cell = {column: (row[heads[column]] or "").strip() for column in columns}
        values = _truth(cell[truth], line, truth), _number(cell[rating], line, rating)
        rows.append(_Row(cell["reader"], cell["case"], cell["arm"], *values))
    return rows


def _lines(reader: csv.DictReader[str], name: str) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise OverreadError(f"{name} is no table of text ({error}).", "Save it as CSV with commas.") from error


def _imrmc_rows(text: str) -> list[_Row]:
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip().upper().startswith("BEGIN DATA")), None)
    if start is None:
        raise OverreadError("The file has no line BEGIN DATA.", "Give a file in the format of iMRMC, or a CSV.")
    truths: dict[str, float] = {}
    said: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines[start + 1 :], start + 2):
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""]:
            continue
        if len(cells) != 4:
            raise OverreadError(f"Line {number} has not four values.", "Write reader,case,modality,score.")
        if cells[0] in (_TRUTH_READER, "truth"):
            if cells[1] in truths:
                raise OverreadError(f"Line {number}: this case has a truth already.", "Keep one row of truth a case.")
            truths[cells[1]] = _truth(cells[3], number)
        else:
            said.append((number, cells))
    rows = []
    for number, (who, case, arm, score) in said:
        if case not in truths:
            raise OverreadError(f"Line {number}: this case has no truth.", "Add a row -1,case,0,truth for each case.")
        rows.append(_Row(who, case, arm, truths[case], _number(score, number, "score")))
    return rows


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _study(rows: list[_Row]) -> Readings:
    arms, readers = _names(row.arm for row in rows), _names(row.reader for row in rows)
    cases = _names(row.case for row in rows)
    truths: dict[str, float] = {}
    for row in rows:
        if truths.setdefault(row.case, row.truth) != row.truth:
            raise OverreadError(
                f"Case {row.case!r} has two truths, or two advices.", "A case is with a finding or without."
            )
    twice = [key for key, n in Counter((row.arm, row.reader, row.case) for row in rows).items() if n > 1]
    if twice:
        arm, reader, case = twice[0]
        raise OverreadError(
            f"Reader {reader!r} read case {case!r} twice in arm {arm!r} ({len(twice)} such readings).",
            "Keep one reading for each reader, case and arm.",
        )
    if not rows:
        raise OverreadError("The file holds no reading.", f"Give one row a reading, with {', '.join(COLUMNS)}.")
    place = [{name: i for i, name in enumerate(names)} for names in (arms, readers, cases)]
    ratings = np.full((len(arms), len(readers), len(cases)), np.nan)
    for row in rows:
        ratings[place[0][row.arm], place[1][row.reader], place[2][row.case]] = row.rating
    try:
        split_plot.blocks(ratings)
    except StatisticsInputError as error:
        missing = ratings.size - len(rows)
        raise OverreadError(f"{missing} readings are missing: {error.message}", error.remedy) from error
    return Readings(arms, readers, cases, np.array([truths[case] for case in cases]), ratings)
