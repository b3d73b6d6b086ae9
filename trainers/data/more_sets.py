"""Readers of the remaining folder layouts: lesion crops, whole-body projections, PET and MR volumes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import DataLayoutError
from core.imaging import Modality, Series, Unit, read
from core.imaging.keys import natural
from core.imaging.stacks import resembling
from trainers.data.items import Item
from trainers.data.sets import index_rows, picture, reader, stack


@reader
def breast_mri(folder: Path, limit: int | None = None) -> list[Item]:
    """Lesion crops of breast MR, from ``crops.zip`` or unpacked, grouped by patient.

    An item is what an upload of the folder shows as one stack: a patient's crops of one folder, so of one sequence, and
    of one size and label, in the order of their names.
    """
    rows = index_rows(folder, ("image", "label", "patient"), group="patient", limit=limit)
    fetch = _fetcher(folder)
    stacks: dict[tuple[object, ...], list[tuple[dict[str, str], Series]]] = {}
    for row in rows:
        series = read([(Path(row["image"]).name, fetch(row["image"]))]).series[0]
        kind = (row["patient"], Path(row["image"]).parent, series.shape, row["label"], row.get("official_split"))
        stacks.setdefault(kind, []).append((row, replace(series, modality=Modality.MR)))
    items = []
    for (patient, _, _, label, split), members in stacks.items():
        members.sort(key=lambda member: natural(Path(member[0]["image"]).name))
        series = stack([crop for _, crop in members])
        series = replace(series, apart=not resembling(series.pixels))
        ids = tuple(row["image"] for row, _ in members)
        items.append(Item(series, (str(label),) * len(ids), str(patient), ids, None if split is None else str(split)))
    return items


def _fetcher(folder: Path) -> Callable[[str], bytes]:
    packed = folder / "crops.zip"
    archive = zipfile.ZipFile(io.BytesIO(packed.read_bytes())) if packed.is_file() else None
    names = set(archive.namelist()) if archive else set()

    def fetch(name: str) -> bytes:
        if archive is not None and name in names:
            return archive.read(name)
        try:
            return (folder / name).read_bytes()
        except FileNotFoundError as error:
            raise DataLayoutError(f"The index names {name}, which is not in {folder}.", "Restore the file.") from error

    return fetch


@reader
def pet_mip(folder: Path, limit: int | None = None) -> list[Item]:
    """Whole-body projections, white for no uptake, with tumour masks for the cancers; one item a study."""
    items = []
    for row in index_rows(folder, ("image", "mask", "label", "study"), group="study", limit=limit):
        series = picture(folder / row["image"])
        truth = np.zeros(series.pixels.shape, bool)
        if row["mask"]:
            truth = picture(folder / row["mask"]).pixels > 127
        series = replace(series, modality=Modality.PT, projection="mip-coronal", truth=truth)
        items.append(Item(series, (row["label"],), row["study"], (row["image"],)))
    return items


def _volume(folder: Path, image: str, mask: str, modality: Modality, unit: Unit) -> Series:
    files = [(Path(name).name, (folder / name).read_bytes()) for name in (image, mask)]
    series = next(s for s in read(files).series if s.projection == "slice")
    if series.truth is None:
        raise DataLayoutError(f"{mask} does not fit {image}.", "Both must have the same size.")
    return replace(series, modality=modality, unit=unit)


def _sarcoma(folder: Path, image: str, mask: str, modality: Modality, unit: Unit, limit: int | None) -> list[Item]:
    items = []
    for row in index_rows(folder, ("patient", image, mask), group="patient", limit=limit):
        if not row[image]:
            continue  # two patients have no MR
        series = _volume(folder, row[image], row[mask], modality, unit)
        assert series.truth is not None
        labels = tuple("tumour" if m.any() else "no tumour" for m in series.truth)
        ids = tuple(f"{row[image]}#{number}" for number in range(series.slices))
        items.append(Item(series, labels, row["patient"], ids))
    return items


@reader
def sts_pet(folder: Path, limit: int | None = None) -> list[Item]:
    """PET volumes of ``sts-pet-mr`` in SUV: one item a patient, a label a slice."""
    return _sarcoma(folder, "pet", "pet_mask", Modality.PT, Unit.SUV, limit)


@reader
def sts_mr(folder: Path, limit: int | None = None) -> list[Item]:
    """T1 MR volumes of ``sts-pet-mr``: one item a patient, a label a slice."""
    return _sarcoma(folder, "mr_t1", "mr_t1_mask", Modality.MR, Unit.ARBITRARY, limit)


@reader
def sts_ct(folder: Path, limit: int | None = None) -> list[Item]:
    """CT volumes of ``sts-pet-mr`` in HU, of the patients that have one: one item a patient, a label a slice.

    The CT lies on the slices of the PET and is finer in their plane by a whole number, so the PET's mask is repeated.
    """
    items = []
    for row in index_rows(folder, ("patient", "ct", "pet", "pet_mask"), group="patient", limit=limit):
        if not row["ct"]:
            continue
        series = read([(Path(row["ct"]).name, (folder / row["ct"]).read_bytes())]).series[0]
        truth = _volume(folder, row["pet"], row["pet_mask"], Modality.PT, Unit.SUV).truth
        assert truth is not None
        for axis, (side, its) in enumerate(zip(series.pixels.shape, truth.shape, strict=True)):
            truth = truth.repeat(side // its, axis)
        if truth.shape != series.pixels.shape:
            raise DataLayoutError(f"{row['ct']} does not lie on the slices of {row['pet']}.", "Restore both files.")
        series = replace(series, modality=Modality.CT, unit=Unit.HU, truth=truth)
        labels = tuple("tumour" if m.any() else "no tumour" for m in truth)
        ids = tuple(f"{row['ct']}#{number}" for number in range(series.slices))
        items.append(Item(series, labels, row["patient"], ids))
    return items
