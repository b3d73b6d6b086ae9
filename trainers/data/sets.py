"""Readers of the data folders, one per layout; each layout is described in its data card (data/cards)."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import DataLayoutError
from core.imaging import Modality, Series, read
from trainers.data.items import Item

ROOT = Path(__file__).resolve().parents[2]
Reader = Callable[..., list[Item]]  # (folder, limit=None): the whole set, or so many of its groups
READERS: dict[str, Reader] = {}
# Several layouts read one folder.
FOLDERS = {"sts-pet": "sts-pet-mr", "sts-mr": "sts-pet-mr", "pet-inserted": "pet-mip", "pet-inserted-2": "pet-mip"}


def reader(name: str) -> Callable[[Reader], Reader]:
    """Register a reader under the name of its set."""

    def register(function: Reader) -> Reader:
        READERS[name] = function
        return function

    return register


def data_root() -> Path:
    """Folder that holds the sets: ``OVERREAD_DATA``, or ``../shared/datasets`` where that exists."""
    root = Path(os.environ.get("OVERREAD_DATA") or ROOT.parent / "shared" / "datasets")
    if not root.is_dir():
        raise DataLayoutError(
            f"There is no data folder {root}.",
            "Set OVERREAD_DATA to a folder that holds the sets as described in data/cards.",
        )
    return root


def load_items(name: str, folder: Path | None = None, *, limit: int | None = None) -> list[Item]:
    """Read a set.

    Args:
        name: name of the layout, such as ``brain-lgg``.
        folder: where it lies; by default the folder of that name under :func:`data_root`.
        limit: read only so many groups, always the same ones.

    Raises:
        DataLayoutError: unknown layout, or files that its index names are missing.
    """
    if name not in READERS:
        raise DataLayoutError(f"No reader knows the layout {name!r}.", f"Known layouts: {', '.join(sorted(READERS))}.")
    return READERS[name](folder or data_root() / FOLDERS.get(name, name), limit)


def index_rows(
    folder: Path, needed: tuple[str, ...], *, group: str = "", limit: int | None = None
) -> list[dict[str, str]]:
    """Rows of ``index.csv``, with the needed columns checked; with a limit, those of so many groups.

    The groups are drawn from all labels in turn, so that a small trial has more than one class.
    """
    path = folder / "index.csv"
    if not path.is_file():
        raise DataLayoutError(f"{folder} has no index.csv.", "Lay the folder out as its data card says.")
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    missing = [column for column in needed if not rows or column not in rows[0]]
    if missing:
        raise DataLayoutError(f"{path} lacks the columns {missing}.", "Lay the folder out as its data card says.")
    return rows if limit is None else _few(rows, group, limit)


def _few(rows: list[dict[str, str]], group: str, limit: int) -> list[dict[str, str]]:
    label = "label" if "label" in rows[0] else None
    strata: dict[str, set[str]] = {}
    for row in rows:
        strata.setdefault(row[label] if label else "", set()).add(row[group])
    rng = np.random.default_rng(0)
    orders = [iter(rng.permutation(sorted(strata[name])).tolist()) for name in sorted(strata)]
    kept: set[str] = set()
    while orders and len(kept) < limit:
        for order in list(orders):
            name = next(order, None)
            if name is None:
                orders.remove(order)
            elif len(kept) < limit:
                kept.add(name)
    return [row for row in rows if row[group] in kept]


def picture(path: Path) -> Series:
    """Read one picture through the same reader that serves an upload."""
    try:
        return read([(path.name, path.read_bytes())]).series[0]
    except FileNotFoundError as error:
        raise DataLayoutError(f"The index names {path}, which is not there.", "Restore the file.") from error


def stack(series: list[Series], truth: list[np.ndarray] | None = None) -> Series:
    """Put equally sized pictures on top of one another, in the order given."""
    shapes = {s.shape for s in series}
    if len(shapes) != 1:
        raise DataLayoutError(f"Slices of one volume differ in size: {sorted(shapes)}.", "Export them at one size.")
    pixels = np.concatenate([s.pixels for s in series])
    masks = None if truth is None else np.stack(truth)
    return replace(series[0], pixels=pixels, truth=masks, names=tuple(n for s in series for n in s.names))


def _by(rows: list[dict[str, str]], column: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    yield from sorted(groups.items())


def _brain_rows(folder: Path, limit: int | None) -> list[dict[str, str]]:
    return index_rows(folder, ("image", "mask", "patient", "slice", "tumour"), group="patient", limit=limit)


@reader("brain-lgg")
def brain_lgg(folder: Path, limit: int | None = None) -> list[Item]:
    """One volume a patient, slices in order, with tumour masks."""
    items = []
    for patient, rows in _by(_brain_rows(folder, limit), "patient"):
        rows = sorted(rows, key=lambda row: int(row["slice"]))
        masks = [picture(folder / row["mask"]).pixels[0] > 127 for row in rows]
        labels = tuple("tumour" if mask.any() else "no tumour" for mask in masks)
        series = stack([picture(folder / row["image"]) for row in rows], masks)
        items.append(Item(series, labels, patient, tuple(row["image"] for row in rows)))
    return items


@reader("lung-ct")
def lung_ct(folder: Path, limit: int | None = None) -> list[Item]:
    """Single slices with a label and a group of near-duplicates; splits go by group."""
    rows = index_rows(folder, ("image", "label", "group"), group="group", limit=limit)
    return [
        Item(picture(folder / r["image"]), (r["label"],), f"lung-ct-{r['group']}", (r["image"],), r.get("split"))
        for r in rows
    ]


@reader("chest-ct")
def chest_ct(folder: Path, limit: int | None = None) -> list[Item]:
    """Single pictures in the publisher's parts; copies of one picture are one group, patients are not known."""
    rows = index_rows(folder, ("image", "label", "split"))
    for row in rows:
        row["copy"] = row.get("sha1_of_source") or row["image"]
    if limit is not None:
        rows = _few(rows, "copy", limit)
    return [
        Item(picture(folder / r["image"]), (r["label"],), f"chest-ct-{r['copy']}", (r["image"],), r["split"])
        for r in rows
    ]


@reader("brain-brisc")
def brain_brisc(folder: Path, limit: int | None = None) -> list[Item]:
    """Single slices, T1 after contrast, four labels, a mask where there is a tumour; splits go by group of look-alikes.

    The publisher's own parts are not used: slices of one patient stand in both.
    """
    items = []
    for row in index_rows(folder, ("image", "mask", "label", "group"), group="group", limit=limit):
        series = picture(folder / row["image"])
        truth = np.zeros(series.pixels.shape, bool)
        if row["mask"]:
            truth = picture(folder / row["mask"]).pixels > 127
        series = replace(series, modality=Modality.MR, truth=truth)
        items.append(Item(series, (row["label"],), f"brain-brisc-{row['group']}", (row["image"],)))
    return items
