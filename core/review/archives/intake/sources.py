"""What an import is made of: the cases in a folder, a zip, a sheet or a DICOM tree, found without decoding a pixel."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pydicom

from core.errors import ArchiveError, OverreadError, UnreadableFileError
from core.imaging.folder import inside
from core.imaging.formats import READABLE, Format, describe, sniff
from core.imaging.keys import natural
from core.imaging.truth import looks_like_mask, pairing_key
from core.review.archives.intake.sheet import Column, RowProblem, read_sheet, relative_path

INDEX = "index.csv"
_HEAD = 4096
_HEADER_TAGS = ["SeriesInstanceUID", "PatientID", "StudyDate", "SOPClassUID"]
_ASIDE = (".csv", ".txt", ".md", ".json", ".xml", ".pdf", ".html", ".xlsx")  # documents beside images, not failures


@dataclass(frozen=True)
class Found:
    """One case to import, not yet read.

    Attributes:
        path: stable name within the source: what a resumed import skips.
        files: the case's files, relative to the root. masks: reference masks of the image.
        patient, recorded, reader, date: as the source has them; ``None`` when it does not say.
        error: why there is nothing to read.
        series, place: which series of the patient a slice belongs to, and where in it; as the source has them.
        texts: what is recorded of each slice, where the case was joined of several.
    """

    path: str
    files: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    patient: str | None = None
    recorded: str | None = None
    reader: str | None = None
    date: date | None = None
    error: OverreadError | None = None
    series: str | None = None
    place: str | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """How a source is to be understood.

    Attributes:
        sheet: CSV relative to the root; by default ``index.csv``, or the only CSV there; ``""`` for none.
        columns: header by column, where the names do not tell.
        date_format: of the sheet's dates, as ``strptime`` has it.
        patient_level, recorded_level: which folder of a file's path names the patient, which the diagnosis
            (0 is the outermost); only without a sheet.
        join: whether the pictures of one patient, series and folder form one case.
    """

    sheet: str | None = None
    columns: Mapping[Column, str] = field(default_factory=dict)
    date_format: str | None = None
    patient_level: int | None = None
    recorded_level: int | None = None
    join: bool = False


@dataclass(frozen=True)
class Survey:
    """All cases of a source, and what was wrong with rows of its sheet."""

    root: Path
    cases: tuple[Found, ...]
    problems: tuple[RowProblem, ...] = ()
    aside: int = 0  # documents and unpaired masks that are no cases


def survey(root: Path, layout: Layout | None = None, *, stop: Callable[[], bool] | None = None) -> Survey:
    """Find the cases below a folder.

    With a sheet its rows are the cases. Otherwise DICOM files are grouped by SeriesInstanceUID, and every other image
    is a case of its own; masks go with the image of the same name.

    Args:
        root: folder of the source; nothing outside it is read, links that lead out of it are not followed.
        stop: asked between files; when it returns true the survey ends.

    Raises:
        ArchiveError: no such folder, no such sheet, or nothing in it.
        InterruptedError: stopped.
    """
    layout, root = layout or Layout(), root.expanduser().resolve()
    if not root.is_dir():
        raise ArchiveError("There is no such folder.", "Give the folder that holds the scans.")
    sheet = layout.sheet if layout.sheet is not None else usual_sheet(root)
    found = _by_sheet(root, sheet, layout) if sheet else _by_files(root, layout, stop)
    if not found.cases:
        raise ArchiveError(
            "There is nothing to import in the folder.", f"A folder with {READABLE}, or a sheet that names files."
        )
    return found


def usual_sheet(root: Path) -> str:
    """The sheet that a folder comes with: ``index.csv``, or the only CSV there; ``""`` without one."""
    if (root / INDEX).is_file():
        return INDEX
    sheets = [path.name for path in root.iterdir() if path.suffix.lower() == ".csv" and path.is_file()]
    return sheets[0] if len(sheets) == 1 else ""


def _by_sheet(root: Path, sheet: str, layout: Layout) -> Survey:
    name = relative_path(sheet)
    if name is None or not (root / name).is_file():
        raise ArchiveError("There is no such sheet in the folder.", "Give its path within the folder.")
    table = read_sheet(inside(root, name).read_bytes(), layout.columns, date_format=layout.date_format)
    cases = [
        Found(
            path=row.file,
            files=_named(root, row.file),
            masks=(row.mask,) if row.mask else (),
            patient=row.patient,
            recorded=row.recorded,
            reader=row.reader,
            date=row.date,
            series=row.series,
            place=row.place,
        )
        for row in table.rows
    ]
    return Survey(root, tuple(cases), table.problems)


def _named(root: Path, name: str) -> tuple[str, ...]:
    """The file that a row names; of a folder (a DICOM series) all files below it."""
    folder = (root / name).resolve()
    if root in folder.parents and folder.is_dir():
        return tuple(f"{name}/{inner}" for inner in files_below(folder))
    return (name,)


def _by_files(root: Path, layout: Layout, stop: Callable[[], bool] | None) -> Survey:
    series: dict[tuple[str, str], list[str]] = {}
    when: dict[tuple[str, str], date | None] = {}
    pictures: list[str] = []
    masks: dict[str, list[str]] = {}
    cases: list[Found] = []
    aside = 0
    for name in files_below(root):
        if stop is not None and stop():
            raise InterruptedError
        try:
            with inside(root, name).open("rb") as handle:
                head = handle.read(_HEAD)
        except (OSError, UnreadableFileError) as error:
            reason = (
                error
                if isinstance(error, OverreadError)
                else UnreadableFileError(f"It cannot be opened ({error.strerror}).", "Check its permissions.")
            )
            cases.append(Found(name, error=reason))
            continue
        kind = sniff(head)
        if kind is Format.DICOM:
            key, day = _series_of(inside(root, name), name)
            series.setdefault(key, []).append(name)
            when.setdefault(key, day)
        elif kind is Format.UNKNOWN:
            if name.lower().endswith(_ASIDE):
                aside += 1
            else:
                seen = describe(head)
                cases.append(Found(name, error=UnreadableFileError(f"It looks like {seen}.", f"Use {READABLE}.")))
        elif looks_like_mask(name):
            masks.setdefault(pairing_key(name), []).append(name)
        else:
            pictures.append(name)
    for (uid, patient), names in series.items():
        names.sort(key=natural)
        folder = os.path.dirname(names[0])
        path = f"{folder}/series-{hashlib.sha256(f'{uid}/{patient}'.encode()).hexdigest()[:12]}".lstrip("/")
        known = patient or _level(names[0], layout.patient_level)
        recorded = _level(names[0], layout.recorded_level)
        cases.append(Found(path, tuple(names), patient=known, recorded=recorded, date=when[uid, patient]))
    for name in pictures:
        own = masks.pop(pairing_key(name), [])
        who, recorded = _level(name, layout.patient_level), _level(name, layout.recorded_level)
        cases.append(Found(name, (name,), tuple(own[:1]), who, recorded))
        aside += len(own[1:])
    aside += sum(len(names) for names in masks.values())
    return Survey(root, tuple(sorted(cases, key=lambda case: natural(case.path))), (), aside)


def files_below(root: Path) -> Iterator[str]:
    """Files below a folder in natural order, relative, with forward slashes; hidden ones and junk left out."""
    for folder, names, files in os.walk(root):
        names[:] = sorted((n for n in names if not n.startswith((".", "__MACOSX"))), key=natural)
        inner = Path(folder).relative_to(root).as_posix()
        for name in sorted(files, key=natural):
            if not name.startswith(".") and name.lower() not in ("thumbs.db", "desktop.ini", "dicomdir"):
                yield name if inner == "." else f"{inner}/{name}"


def _level(name: str, level: int | None) -> str | None:
    folders = name.split("/")[:-1]
    return folders[level] if level is not None and 0 <= level < len(folders) else None


def _series_of(path: Path, name: str) -> tuple[tuple[str, str], date | None]:
    """Series and patient of a DICOM file, from its header; a file without a series is one of its own."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_HEADER_TAGS, force=True)
        uid, patient = str(header.get("SeriesInstanceUID", "") or ""), str(header.get("PatientID", "") or "").strip()
        text = str(header.get("StudyDate", "") or "")
    except Exception:  # damaged header: reading proper says so in its own words
        return (name, ""), None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    return (uid or name, patient), day
