"""Sets of pictures on offer, and what is computed from them once: displays, class histograms, class textures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.audit import browse, texture
from core.audit.browse import Entry, FolderSet, PictureSet, SimulatedSet
from core.audit.datacards import DataCard, read_audit, read_card
from core.audit.folder import data_root
from core.audit.histograms import GreyHistogram, bin_edges, grey_histogram
from core.audit.report import AuditReport
from core.audit.sets import FIRST, VOLUMES
from core.imaging.study import Window
from core.preprocessing import windows
from core.systems import SYSTEMS
from dashboard.kit import render

SAMPLE = 40  # pictures of a class that its histogram and textures are the mean of


@dataclass(frozen=True)
class Source:
    """A set on offer: a folder on this server, or simulated scans. ``key`` tells one from another."""

    title: str
    folder: Path | None = None
    series: str = FIRST
    system: str = ""

    @property
    def key(self) -> str:
        """Short and stable, for widgets and caches; a changed index makes another one."""
        changed = (self.folder / "index.csv").stat().st_mtime_ns if self.folder else 0
        text = f"{self.folder}|{self.series}|{self.system}|{changed}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class Shown:
    """The chosen set, its shipped card and audit where there are any, and the system its pictures are for."""

    source: Source
    pictures: PictureSet
    card: DataCard | None
    audit: AuditReport | None

    @property
    def key(self) -> str:
        """Of the source."""
        return self.source.key

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every picture."""
        return self.pictures.entries

    @property
    def stem(self) -> str:
        """Beginning of file names."""
        return "overread-" + re.sub(r"[^A-Za-z0-9.-]+", "-", self.pictures.name).strip("-")

    @property
    def labels(self) -> list[str]:
        """Classes, in alphabetical order."""
        return sorted({e.label for e in self.entries})

    @property
    def system(self) -> str:
        """The system whose models read such pictures; empty when none is known."""
        return self.source.system or (self.card.system if self.card else "")


def sources() -> list[Source]:
    """Sets of the data folder first, then the simulated ones, which are there on every machine."""
    root = data_root()
    real = browse.folders_under(root) if root else ()
    volumes = {folder for folder, series in real if series != FIRST}
    found = [
        Source(f"{folder.name} ({series})" if folder in volumes else folder.name, folder, series)
        for folder, series in real
    ]
    for name, system in SYSTEMS.items():
        if system.drawing is not None:
            both = {series: f", {volume.words.split(',')[0]}" for series, volume in VOLUMES.items()}
            kinds = both if system.drawing.modalities else {FIRST: ""}
            found += [
                Source(f"Simulated: {system.title}{words}", None, series, name) for series, words in kinds.items()
            ]
    return found


def shown(source: Source) -> Shown:
    """Open a source."""
    pictures = _open(source.key, source)
    return Shown(source, pictures, read_card(pictures.name), read_audit(pictures.name))


@st.cache_resource(show_spinner="Reading the index …", max_entries=8)
def _open(key: str, _source: Source) -> PictureSet:
    if _source.folder is None:
        return SimulatedSet(_source.system, VOLUMES[_source.series].modality)
    return FolderSet(_source.folder, _source.series)


def display(found: Shown, pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """How a picture is shown: 8-bit ones as stored, SUV from 0 to 10 dark on white, others by percentiles 1 to 99.5."""
    if pixels.dtype == np.uint8:
        return pixels
    if found.pictures.name.endswith(f"({FIRST})"):
        return windows.to_display(pixels, Window(5.0, 10.0), invert=True)
    low, high = (float(edge) for edge in np.percentile(pixels, (1.0, 99.5)))
    return windows.to_display(pixels, Window((low + high) / 2, max(high - low, 1e-6)))


@st.cache_data(show_spinner=False, max_entries=600)
def thumbnail(key: str, name: str, outlined: bool, side: int, _found: Shown, _entry: Entry) -> str:
    """Address of a square picture with its mask outlined where asked for."""
    grey = display(_found, _found.pictures.pixels(_entry))
    mask = _found.pictures.mask(_entry) if outlined else None
    drawn = [render.truth_contour(mask)] if mask is not None and mask.any() else []
    scale = side / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return render.data_url(render.framed(render.picture(grey, size, contours=drawn), side))


def sample(entries: Sequence[Entry], count: int = SAMPLE) -> list[Entry]:
    """Up to ``count`` entries, from as many groups as possible, always the same ones."""
    by_group: dict[str, list[Entry]] = {}
    for number, entry in enumerate(entries):
        by_group.setdefault(entry.group or str(number), []).append(entry)
    rng = np.random.default_rng(0)
    queues = [by_group[g] for g in rng.permutation(sorted(by_group)).tolist()]
    for queue in queues:
        rng.shuffle(queue)  # type: ignore[arg-type]
    out: list[Entry] = []
    while len(out) < count and queues:
        for queue in queues:
            out.append(queue.pop())
        queues = [queue for queue in queues if queue]
    return out[:count]


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Of one class: mean histogram, and mean and spread of every co-occurrence property over ``pictures`` pictures."""

    label: str
    histogram: GreyHistogram
    textures: dict[str, tuple[float, float]]
    pictures: int


def class_means(found: Shown) -> list[ClassMeans]:
    """Histogram and texture of every class, from a sample spread over its groups."""
    return _class_means(found.key, found)


@st.cache_resource(show_spinner="Measuring the classes …", max_entries=16)
def _class_means(key: str, _found: Shown) -> list[ClassMeans]:
    chosen = {label: sample([e for e in _found.entries if e.label == label]) for label in _found.labels}
    planes = {label: [_found.pictures.pixels(e) for e in entries] for label, entries in chosen.items()}
    edges = bin_edges([plane for some in planes.values() for plane in some])
    out = []
    for label, some in planes.items():
        measured = [texture.co_occurrence(p) for p in some if min(p.shape) >= texture.SMALLEST]
        values = {n: [m[k].mean for m in measured] for k, n in enumerate(texture.PROPERTIES)} if measured else {}
        textures = {name: (float(np.mean(of)), float(np.std(of))) for name, of in values.items()}
        out.append(ClassMeans(label, grey_histogram(some, edges), textures, len(some)))
    return out
