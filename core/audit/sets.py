"""From a data folder to fingerprints, by the columns of its index: one reader for every layout in data/cards."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from PIL import Image, UnidentifiedImageError

from core.audit.fingerprint import Fingerprint, fingerprint
from core.errors import DataLayoutError, UnreadableFileError
from core.imaging.study import Modality, Unit

GROUPS = ("patient", "group", "study")
SPLITS = ("official_split", "split")
NEGATIVE = frozenset({"normal", "benign", "no-cancer", "no cancer", "0", "negative", "no tumour", "no-tumor"})


@dataclass(frozen=True)
class Volume:
    """A series that sets of volumes hold, by the column of its paths; ``top`` names its largest value."""

    modality: Modality
    unit: Unit
    words: str
    top: str


# The first is taken where nobody chooses, and its audit goes by the set's own name.
VOLUMES = {
    "pet": Volume(Modality.PT, Unit.SUV, "PET", "SUVmax"),
    "mr_t1": Volume(Modality.MR, Unit.ARBITRARY, "MR, T1", "maximum"),
}
FIRST = next(iter(VOLUMES))


def series_of(modality: str) -> str:
    """Column of the volumes of a modality, ``PT`` or ``MR``."""
    return next(name for name, volume in VOLUMES.items() if volume.modality == modality)


def audit_suffix(series: str) -> str:
    """What a stored audit's file name adds for a series of volumes: nothing for the first."""
    return f".{series}" if series not in ("", FIRST) else ""


MOST_BYTES = 256 * 1024 * 1024  # of one picture in a zip, unpacked
IndexRow = dict[str, str]
SplitOf = Callable[[str | None], str | None]


def read_index(folder: Path) -> list[IndexRow]:
    """Rows of ``index.csv``.

    Raises:
        DataLayoutError: no folder, no index, no rows.
    """
    path = folder / "index.csv"
    if path.is_file() and path.resolve().parent != folder.resolve():
        raise DataLayoutError("The index.csv is a link that leads out of the folder.", "Put the file itself there.")
    if not path.is_file():
        raise DataLayoutError(f"{folder} has no index.csv.", "Lay the folder out as its data card (data/cards) says.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            rows: list[IndexRow] = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(handle)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataLayoutError(f"{path} is no readable table ({error}).", "Save it as CSV in UTF-8.") from error
    if not rows:
        raise DataLayoutError(f"{path} has no rows.", "List every picture of the set in it.")
    return rows


def read_split(path: Path) -> dict[str, str]:
    """Part by group, from JSON: ``{group: part}`` or ``{part: [groups]}``.

    Raises:
        DataLayoutError: neither form, or a group in two parts.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise DataLayoutError(f"{path} is no readable JSON file.", "Pass {group: part} or {part: [groups]}.") from error
    if isinstance(content, dict) and all(isinstance(value, str) for value in content.values()):
        return dict(content)
    if not isinstance(content, dict) or not all(isinstance(value, list) for value in content.values()):
        raise DataLayoutError(f"{path} is no split.", "Pass {group: part} or {part: [groups]}.")
    parts: dict[str, str] = {}
    for part, groups in content.items():
        for group in map(str, groups):
            if parts.setdefault(group, part) != part:
                raise DataLayoutError(f"{path} puts {group} in two parts.", "Put every group in one part.")
    return parts


def first_of(row: IndexRow, columns: tuple[str, ...]) -> str | None:
    """The first of some columns that holds anything."""
    return next((row[column] for column in columns if row.get(column)), None)


def inside(folder: Path, name: str) -> Path:
    """Where a file of the index lies.

    Raises:
        DataLayoutError: the name leads out of the folder.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DataLayoutError(f"The index names {name}, which lies outside {folder}.", "Keep all files in the folder.")
    path = folder / name
    whole = folder.resolve()
    if whole not in path.resolve().parents:
        raise DataLayoutError(f"{name} is a link that leads out of the folder.", "Put the file itself there.")
    return path


def opener(folder: Path) -> Callable[[str], bytes]:
    """How to get the bytes of a file that the index names: from the folder, or from its only zip."""
    archive = folder / "crops.zip"
    if archive.is_file():
        try:
            opened = zipfile.ZipFile(inside(folder, archive.name))
        except zipfile.BadZipFile as error:
            raise DataLayoutError(f"{archive} is no zip.", "Restore the archive.") from error
        names = set(opened.namelist())

        def from_zip(name: str) -> bytes:
            if name not in names:
                raise DataLayoutError(f"The index names {name}, which {archive} does not hold.", "Restore the archive.")
            try:
                with opened.open(name) as member:
                    found = member.read(MOST_BYTES + 1)
            except Exception as error:  # zipfile raises many kinds on damaged members
                raise DataLayoutError(f"{name} in {archive.name} is damaged.", "Restore the archive.") from error
            if len(found) > MOST_BYTES:
                raise DataLayoutError(f"{name} in {archive.name} unpacks to no picture's size.", "Restore the archive.")
            return found

        return from_zip

    def from_folder(name: str) -> bytes:
        try:
            return inside(folder, name).read_bytes()
        except FileNotFoundError as error:
            raise DataLayoutError(
                f"The index names {name}, which {folder} does not hold.", "Restore the file."
            ) from error

    return from_folder


def decode(name: str, data: bytes) -> np.ndarray:
    """Grey levels of a picture, uint8 ``(height, width)``.

    Raises:
        UnreadableFileError: it is no picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise UnreadableFileError(
            f"{name} is no readable picture.", "Restore it from the publisher's files."
        ) from error


def label_of(row: IndexRow) -> str:
    """What the index says a picture shows.

    Raises:
        DataLayoutError: it has no column for that.
    """
    if "label" in row:
        return row["label"]
    if "tumour" in row:
        return "tumour" if row["tumour"] == "1" else "no tumour"
    raise DataLayoutError("The index has neither a label nor a tumour column.", "Add one, as the data card says.")


def _off_centre(rows: list[IndexRow]) -> dict[int, float]:
    """Distance of every slice from the middle of its volume, in [0, 0.5]; empty where slices are not numbered.

    Volumes are often cut around the tumour, so the position alone tells much of the answer.
    """
    volumes: dict[str | None, list[tuple[int, int]]] = {}
    for number, row in enumerate(rows):
        if not row.get("slice", "").isdigit():
            return {}
        volumes.setdefault(first_of(row, GROUPS), []).append((int(row["slice"]), number))
    found: dict[int, float] = {}
    for slices in volumes.values():
        last = max(len(slices) - 1, 1)
        found.update({number: abs(rank / last - 0.5) for rank, (_, number) in enumerate(sorted(slices))})
    return found


def _pictures(
    folder: Path, rows: list[IndexRow], positives: frozenset[str] | None, part: SplitOf
) -> Iterator[Fingerprint]:
    load = opener(folder)
    places = _off_centre(rows)
    for number, row in enumerate(rows):
        data = load(row["image"])
        label, group = label_of(row), first_of(row, GROUPS)
        yield fingerprint(
            row["image"],
            decode(row["image"], data),
            label,
            label in positives if positives else label not in NEGATIVE,
            group=group,
            split=part(group) or first_of(row, SPLITS),
            file_bytes=len(data),
            more={"distance from the middle slice": places[number]} if places else {},
        )


def volume(path: Path) -> np.ndarray:
    """Values of a NIfTI file, float32 ``(columns, rows, slices)``.

    Raises:
        DataLayoutError: there is none.
    """
    try:
        return np.asarray(nibabel.load(path).dataobj, dtype=np.float32)  # type: ignore[attr-defined]
    except FileNotFoundError as error:
        raise DataLayoutError(f"The index names {path}, which is not there.", "Restore the file.") from error
    except (ImageFileError, OSError, EOFError) as error:
        raise UnreadableFileError(f"{path} is no readable volume.", "Restore it from the publisher's files.") from error


def _slices(folder: Path, rows: list[IndexRow], series: str, part: SplitOf) -> Iterator[Fingerprint]:
    """Every slice of the volumes of one series; the label is whether the tumour mask reaches it."""
    top = VOLUMES[series].top
    for row in rows:
        if not row.get(series):
            continue
        group = row["patient"]
        values, mask = volume(inside(folder, row[series])), volume(inside(folder, row[f"{series}_mask"])) > 0
        last = max(values.shape[2] - 1, 1)
        for k in range(values.shape[2]):
            found = bool(mask[:, :, k].any())
            plane = np.ascontiguousarray(values[:, :, k].T)
            more = {top: float(plane.max()), "distance from the middle slice": abs(k / last - 0.5)}
            label = "tumour" if found else "no tumour"
            name = f"{row[series]}#{k}"
            yield fingerprint(name, plane, label, found, group=group, split=part(group), more=more)


def fingerprints(
    folder: Path,
    *,
    series: str = FIRST,
    positives: frozenset[str] | None = None,
    split: Mapping[str, str] | None = None,
) -> Iterator[Fingerprint]:
    """Fingerprints of every picture of a set.

    Args:
        folder: with an ``index.csv``: ``image``, ``label`` or ``tumour``, and where known ``patient``, ``group`` or
            ``study``, ``official_split`` or ``split``; or ``patient``, ``pet``, ``pet_mask``, ``mr_t1``,
            ``mr_t1_mask`` for volumes. Pictures lie in the folder or in ``crops.zip``.
        series: which volumes, ``pet`` or ``mr_t1``; of no account for pictures.
        positives: labels that count as positive; by default all but the usual names of health.
        split: part by group; goes before the index's own columns.

    Raises:
        DataLayoutError: index, columns or files missing; a group without a part.
        UnreadableFileError: a picture is damaged.
    """
    rows = read_index(folder)

    def part(group: str | None) -> str | None:
        if split is None:
            return None
        if group is None or group not in split:
            raise DataLayoutError(f"The split names no part for group {group}.", "Name a part for every group.")
        return split[group]

    if "image" in rows[0]:
        return _pictures(folder, rows, positives, part)
    if series not in VOLUMES or not {series, f"{series}_mask", "patient"} <= set(rows[0]):
        raise DataLayoutError(f"{folder} has no pictures and no series {series!r}.", f"Known: {', '.join(VOLUMES)}.")
    return _slices(folder, rows, series, part)
