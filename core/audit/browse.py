"""The pictures of a set one by one: from a folder laid out as its data card says, or drawn on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core import imaging
from core.audit.sets import (
    FIRST,
    GROUPS,
    SPLITS,
    VOLUMES,
    IndexRow,
    decode,
    first_of,
    label_of,
    opener,
    read_index,
    series_of,
)
from core.audit.simulated import PREFIX, in_both, simulated_label, simulated_scan
from core.errors import DataLayoutError, UnreadableFileError
from core.imaging.keys import natural
from core.imaging.study import Series, SourceKind, Study, Unit

DRAWN = 24  # simulated scans on show: as many as are drawn within seconds


@dataclass(frozen=True)
class Entry:
    """One picture as the index names it.

    Attributes:
        name: as predictions name it: the path, with ``#slice`` for a slice of a volume.
        label, group, split: as the index has them. image, mask: paths in the folder.
        place: slice of a volume, or of the patient's pictures; ``None`` for a single picture.
    """

    name: str
    label: str
    group: str | None = None
    split: str | None = None
    image: str = ""
    mask: str = ""
    place: int | None = None


class PictureSet(Protocol):
    """A set whose pictures can be looked at."""

    name: str
    entries: tuple[Entry, ...]

    def pixels(self, entry: Entry) -> NDArray[Any]:
        """Grey plane ``(H, W)``: uint8, or float32 in the set's unit."""

    def mask(self, entry: Entry) -> NDArray[np.bool_] | None:
        """Reference mask ``(H, W)``; ``None`` where the set has none for it."""

    def study(self, entry: Entry) -> tuple[Study, int, int]:
        """The picture as the Review page takes it, among its patient's other slices; its series and slice there."""


class FolderSet:
    """Pictures of a folder with an ``index.csv``; nothing is copied, every picture is read when it is asked for.

    Args:
        folder: of the set. series: of a set of volumes, ``pet`` or ``mr_t1``.

    Raises:
        DataLayoutError: the folder is not laid out as a data card says. UnreadableFileError: a mask is damaged.
    """

    def __init__(self, folder: Path, series: str = FIRST) -> None:
        rows = read_index(folder)
        self.folder, self.series = folder, series
        self.volumes = "image" not in rows[0]
        self.name = f"{folder.name} ({series})" if self.volumes else folder.name
        if self.volumes and (series not in VOLUMES or not {series, f"{series}_mask", "patient"} <= set(rows[0])):
            raise DataLayoutError(f"{folder} has no pictures and no series {series!r}.", "See data/cards for layouts.")
        self._load = opener(folder)
        self._series = lru_cache(maxsize=4)(self._read)
        self.entries = self._slices(rows) if self.volumes else tuple(_entry(row) for row in rows)

    def _slices(self, rows: Sequence[IndexRow]) -> tuple[Entry, ...]:
        found = []
        for row in rows:
            image, mask = row[self.series], row[f"{self.series}_mask"]
            if not image:
                continue
            # Read as an upload is, so that slices are numbered in the order in which models were shown them.
            drawn = _volume_of(imaging.read([(mask, self._load(mask))])).pixels > 0
            for k, reached in enumerate(np.asarray(drawn.any(axis=(1, 2))).tolist()):
                label = "tumour" if reached else "no tumour"
                found.append(Entry(f"{image}#{k}", label, row["patient"], None, image, mask, k))
        return tuple(found)

    def _read(self, image: str, mask: str) -> tuple[Study, Series]:
        study = imaging.read([(name, self._load(name)) for name in (image, mask)])
        kind = VOLUMES[self.series]
        return study, replace(_volume_of(study), modality=kind.modality, unit=kind.unit)

    def pixels(self, entry: Entry) -> NDArray[Any]:
        """See :class:`PictureSet`."""
        if self.volumes:
            return self._series(entry.image, entry.mask)[1].pixels[entry.place or 0]
        return decode(entry.image, self._load(entry.image))

    def mask(self, entry: Entry) -> NDArray[np.bool_] | None:
        """See :class:`PictureSet`."""
        if not entry.mask:
            return None
        if self.volumes:
            truth = self._series(entry.image, entry.mask)[1].truth
            return None if truth is None else truth[entry.place or 0]
        return decode(entry.mask, self._load(entry.mask)) > 127

    def study(self, entry: Entry) -> tuple[Study, int, int]:
        """See :class:`PictureSet`."""
        if self.volumes:
            study, series = self._series(entry.image, entry.mask)
            return replace(study, series=(series,)), 0, entry.place or 0
        stack = [e for e in self.entries if e.group == entry.group] if entry.place is not None else [entry]
        names = [name for e in stack for name in (e.image, e.mask) if name]
        study = imaging.read([(name, self._load(name)) for name in names])
        number, place = _find(study, decode(entry.image, self._load(entry.image)), stack, entry)
        return study, number, place


def _volume_of(study: Study) -> Series:
    return next(s for s in study.series if s.projection == "slice")


def _entry(row: IndexRow) -> Entry:
    number = row.get("slice", "")
    return Entry(
        name=row["image"],
        label=label_of(row),
        group=first_of(row, GROUPS),
        split=first_of(row, SPLITS),
        image=row["image"],
        mask=row.get("mask", ""),
        place=int(number) if number.isdigit() and first_of(row, GROUPS) else None,
    )


def _find(study: Study, own: NDArray[Any], stack: Sequence[Entry], entry: Entry) -> tuple[int, int]:
    """Series and slice that hold a picture: at its place in name order, else wherever its pixels are."""
    ordered = sorted(stack, key=lambda e: natural(Path(e.image).name))
    expected = ordered.index(entry)
    for number, series in enumerate(study.series):
        places = sorted(range(series.slices), key=lambda k: k != expected)
        for place in places:
            if np.array_equal(series.pixels[place], own):
                return number, place
    raise UnreadableFileError(f"{entry.name} is read otherwise among its patient's slices.", "Open the file itself.")


class SimulatedSet:
    """The first of the simulated scans that the data card audits, drawn when asked for: no patient, exact masks.

    Args:
        system: which system's scans. modality: ``PT`` or ``MR``, for a system drawn in both. count: scans.

    Raises:
        DataLayoutError: no such system.
    """

    def __init__(self, system: str, modality: str = "PT", count: int = DRAWN) -> None:
        series = f" ({series_of(modality)})" if in_both(system) else ""
        self.name = f"{PREFIX}{system}{series}"
        labels = [simulated_label(system, number) for number in range(count)]
        self.entries = tuple(Entry(f"{system}-{k}", label, group=f"{k}", place=k) for k, label in enumerate(labels))
        self._scan = lru_cache(maxsize=count)(lambda number: simulated_scan(system, number, modality=modality))

    def pixels(self, entry: Entry) -> NDArray[Any]:
        """See :class:`PictureSet`."""
        series = self._scan(entry.place).series
        whole = series.unit is Unit.GREY and series.value_range == (0.0, 255.0)
        return series.pixels[0].astype(np.uint8) if whole else series.pixels[0]

    def mask(self, entry: Entry) -> NDArray[np.bool_] | None:
        """See :class:`PictureSet`."""
        return np.asarray(self._scan(entry.place).truth[0] > 0)

    def study(self, entry: Entry) -> tuple[Study, int, int]:
        """See :class:`PictureSet`."""
        scan = self._scan(entry.place)
        series = replace(scan.series, truth=np.asarray(scan.truth > 0))
        name = f"Simulated scan {entry.name}"
        digest = hashlib.sha256(series.pixels.tobytes()).hexdigest()
        study = Study(name, SourceKind.SIMULATED, (series,), digest, simulated=True, case_note=scan.note)
        return study, 0, 0


def folders_under(root: Path) -> tuple[tuple[Path, str], ...]:
    """Folder and series of every set under a data root, by name; a set of volumes stands once for each series."""
    found = []
    for index in sorted(root.glob("*/index.csv")):
        try:
            head = read_index(index.parent)[0]
        except DataLayoutError:
            continue
        series = [name for name in VOLUMES if {name, f"{name}_mask"} <= set(head)]
        if "image" in head and ("label" in head or "tumour" in head):
            found.append((index.parent, FIRST))
        else:
            found += [(index.parent, name) for name in series]
    return tuple(found)
