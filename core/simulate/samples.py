"""The built-in samples: simulated cases of every system with their truth, read through the ordinary reader."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core import places
from core.errors import DataLayoutError
from core.imaging.study import Modality, Plane
from core.simulate.phantom import DRAWINGS, Drawing

if TYPE_CHECKING:
    from core.imaging.study import Series, Study

FOLDER = places.SAMPLES
MANIFEST = "manifest.json"
_REMEDY = "Draw the samples again: python -m core.simulate"


@dataclass(frozen=True)
class SampleInfo:
    """A built-in case.

    Attributes:
        id: identifier, also the start of its files' names; it does not give the answer away.
        system: system it belongs to.
        title: neutral title to choose it by.
        case_note: one sentence about what it is meant to show; it does give the answer away.
        files: image and mask files, relative to the samples' folder.
        label: the true class, one of the system's labels.
        truth: mask files that no image format pairs by itself; they are attached after reading.
    """

    id: str
    system: str
    title: str
    case_note: str
    files: tuple[str, ...]
    label: str
    truth: tuple[str, ...] = ()


@lru_cache(maxsize=4)
def _manifest(folder: Path) -> tuple[SampleInfo, ...]:
    try:
        entries = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return tuple(
            SampleInfo(**{**entry, "files": tuple(entry["files"]), "truth": tuple(entry["truth"])}) for entry in entries
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataLayoutError(f"The list of samples in {folder} cannot be read.", _REMEDY) from error


def list_samples() -> list[SampleInfo]:
    """All built-in samples, grouped by system.

    Raises:
        DataLayoutError: the list of samples is missing or damaged.
    """
    return list(_manifest(FOLDER))


def sample_info(sample_id: str) -> SampleInfo:
    """One sample's description.

    Raises:
        DataLayoutError: there is no such sample.
    """
    for info in list_samples():
        if info.id == sample_id:
            return info
    known = ", ".join(info.id for info in list_samples())
    raise DataLayoutError(f"There is no sample {sample_id!r}.", f"Known: {known}.")


def sample_files(sample_id: str) -> list[tuple[str, bytes]]:
    """Names and bytes of a sample's image files, as a user would upload them.

    Raises:
        DataLayoutError: no such sample, or its files are missing.
    """
    return [(name, _bytes(name)) for name in sample_info(sample_id).files]


def load_sample(sample_id: str) -> Study:
    """Read a sample the way an upload is read, and attach its truth.

    Returns:
        A study with ``simulated=True``, its case note, and a truth mask (empty where there is no lesion) on every
        series. Modality and body part are filled in where the file format does not hold them.

    Raises:
        DataLayoutError: no such sample, or its files are missing.
    """
    # Imported here: the reader is a heavy room, and drawing phantoms does not need it.
    from core.imaging import attach_truth, coronal_mip, read
    from core.imaging.turning import turned_mips

    info = sample_info(sample_id)
    study = read(sample_files(sample_id))
    series = [_complete(one, info.system) for one in study.series]
    if DRAWINGS[info.system].projection == "slice":
        # A projection along a thigh is no whole-body projection.
        series = [one for one in series if one.projection == "slice"]
    if info.truth:
        mask = read([(name, _bytes(name)) for name in info.truth]).series[0]
        series = [attach_truth(one, mask) if one.slices == mask.slices else one for one in series]
    volumes = [one for one in series if one.projection == "slice" and one.truth is not None]
    untold = any(one.truth is None and one.projection != "slice" for one in series)
    for volume in volumes[:1] if untold else ():
        front = coronal_mip(volume)
        around = turned_mips(volume, front)
        projected = {False: front.truth, True: None if around is None else around.truth}
        series = [
            replace(one, truth=projected[one.turned is not None])
            if one.truth is None and one.projection != "slice"
            else one
            for one in series
        ]
    series = [one if one.truth is not None else replace(one, truth=np.zeros(one.pixels.shape, bool)) for one in series]
    return replace(study, name=info.title, series=tuple(series), simulated=True, case_note=info.case_note)


def _bytes(name: str) -> bytes:
    try:
        return (FOLDER / name).read_bytes()
    except OSError as error:
        raise DataLayoutError(f"The sample file {name} is missing.", _REMEDY) from error


def _plane(series: Series, projection: str, drawing: Drawing) -> Plane | None:
    if series.turned is not None:
        return None
    return Plane.CORONAL if projection == "mip-coronal" else drawing.plane


def _complete(series: Series, system: str) -> Series:
    """Fill in what a picture format cannot say."""
    drawing = DRAWINGS[system]
    known = series.modality is not Modality.UNKNOWN
    projection = drawing.projection if drawing.projection != "slice" and series.slices == 1 else series.projection
    return replace(
        series,
        description=drawing.description or series.description,
        modality=series.modality if known or drawing.modality is None else drawing.modality,
        body_part=series.body_part or drawing.body_part,
        plane=series.plane or _plane(series, projection, drawing),
        projection=projection,
        notes=(*series.notes, "Simulated: drawn by a computer, not a patient."),
    )
