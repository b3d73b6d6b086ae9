"""Readers of the data folders, one per layout; each layout is described in its data card (data/cards)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from core import places
from core.audit.sets import GROUPS, SPLITS, first_of
from core.errors import DataLayoutError
from core.imaging import Modality, Series, read
from core.settings import settings
from core.systems import find_set
from trainers.data.items import Item

Reader = Callable[..., list[Item]]  # (folder, limit=None): the whole set, or so many of its groups
READERS: dict[str, Reader] = {}


def reader(function: Reader) -> Reader:
    """Register a reader under its own name, which is that of its set: ``brain_lgg`` reads ``brain-lgg``."""
    READERS[function.__name__.replace("_", "-")] = function
    return function


def reader_of(name: str) -> Reader:
    """Reader of a set: its own, or for a set that a system declares the one that goes by the columns of the index.

    Raises:
        DataLayoutError: no system declares it and no reader is called so.
    """
    if name in READERS:
        return READERS[name]
    if find_set(name) is not None:
        return partial(pictures, name=name)
    raise DataLayoutError(f"No reader knows the layout {name!r}.", f"Known layouts: {', '.join(sorted(READERS))}.")


def folder_of(name: str) -> str:
    """Folder of a set under the data root."""
    declared = find_set(name)
    return declared.folder or name if declared is not None else name


def data_root() -> Path:
    """Folder that holds the sets: ``OVERREAD_DATA``, or ``../shared/datasets`` where that exists."""
    root = settings().data or places.HOME.parent / "shared" / "datasets"
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
    read_set = reader_of(name)
    return read_set(folder or data_root() / folder_of(name), limit)


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


@reader
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


@reader
def lung_ct(folder: Path, limit: int | None = None) -> list[Item]:
    """Single slices with a label and a group of near-duplicates; splits go by group."""
    rows = index_rows(folder, ("image", "label", "group"), group="group", limit=limit)
    return [
        Item(picture(folder / r["image"]), (r["label"],), f"lung-ct-{r['group']}", (r["image"],), r.get("split"))
        for r in rows
    ]


@reader
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


@reader
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


def pictures(folder: Path, limit: int | None = None, *, name: str) -> list[Item]:
    """Single pictures by the columns of their index: ``image``, ``label``; where known a group, ``mask``, ``split``.

    The group is the ``patient``, ``group`` or ``study``; without any every picture is its own. A picture without a mask
    has an empty one where others have one.
    """
    rows = index_rows(folder, ("image", "label"))
    for row in rows:
        row["of"] = first_of(row, GROUPS) or row["image"]
    masked = any(row.get("mask") for row in rows)
    items = []
    for row in rows if limit is None else _few(rows, "of", limit):
        series = picture(folder / row["image"])
        if masked:
            truth = np.zeros(series.pixels.shape, bool)
            if row["mask"]:
                truth = picture(folder / row["mask"]).pixels > 127
            series = replace(series, truth=truth)
        items.append(Item(series, (row["label"],), f"{name}-{row['of']}", (row["image"],), first_of(row, SPLITS)))
    return items
