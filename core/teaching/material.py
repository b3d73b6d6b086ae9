"""The images of a quiz's case with their truth, made or read anew; and what a learner gets of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from core import imaging
from core.errors import OverreadError
from core.imaging.study import Series, SourceKind, Study
from core.imaging.truth import attach_truth
from core.memory import GiveWay
from core.review.kept.looks import looks
from core.review.opened import opened
from core.review.store import Store
from core.review.vocabulary import FileRole
from core.simulate import DRAWINGS, phantom
from core.simulate.samples import load_sample, sample_info
from core.systems import SYSTEMS, match
from core.systems.declaration import System
from core.teaching.rules import Source, TeachingError

KEPT = 16  # drawn scans in memory: a class looks at the same few


@dataclass(frozen=True, eq=False)
class Material:
    """A case with everything that is known of it. Nothing of it but :meth:`blind` may reach who has not answered.

    Attributes:
        study: its images; the series that is read holds the truth.
        series_index, system: what is read, and by which system's words.
        finding, label: the true answer; ``label`` is a class of the system, or ``None``.
        note: one sentence on what was drawn; empty for real cases.
        simulated: drawn by a computer.
    """

    study: Study
    series_index: int
    system: str
    finding: bool
    label: str | None
    note: str = ""
    simulated: bool = False

    @property
    def series(self) -> Series:
        """The series that is read."""
        return self.study.series[self.series_index]

    @property
    def truth(self) -> np.ndarray | None:
        """Bool ``(slices, height, width)``: the lesion that the question is about; ``None`` where there is none."""
        mask = self.series.truth
        return mask if self.finding and mask is not None and mask.any() else None

    def blind(self, name: str) -> Study:
        """The study as a learner gets it who has not answered: no truth, no remark, and a name that says nothing."""
        return replace(self.study.without_answers(), name=name, case_note="")

    def recognised_by(self) -> dict[str, Any]:
        """What the images are known by, wherever else they are opened."""
        return {
            "content": self.study.sha256,
            "series_keys": [one.key for one in self.study.series],
            "looks": [look for one in self.study.series for look in looks(one.pixels)],
        }


def material(store: Store, source: str, place: Mapping[str, Any], give_way: GiveWay | None = None) -> Material:
    """Draw or read a case.

    Args:
        source: one of :class:`~core.teaching.rules.Source`. place: where it is to be found there.
        give_way: lets go the oldest thing of who asks, where the process's memory is full.

    Raises:
        OverreadError: it is not there any more, cannot be read, or its truth is not known.
    """
    if source == Source.SIMULATED:
        return _drawn(json.dumps(dict(place), sort_keys=True))
    if source == Source.SAMPLE:
        return _sample(str(place["sample"]))
    return _case(store, int(place["case"]), give_way)


def class_of(system: System, label: str | None, finding: bool) -> str | None:
    """The class of a system that a label means; ``None`` where several would fit."""
    offered = system.classes_of(finding)
    if label in offered:
        return label
    return offered[0] if len(offered) == 1 else None


def _is_finding(system: System, label: str) -> bool:
    return label in system.positive or system.labels.get(label) == 1


@lru_cache(maxsize=KEPT)
def _drawn(place: str) -> Material:
    asked = json.loads(place)
    system = SYSTEMS.get(str(asked["system"]))
    if system is None or system.name not in DRAWINGS:
        raise TeachingError(f"No scans of {asked['system']!r} can be simulated here.", "Make the quiz anew.")
    options = {name: asked[name] for name in ("hard", "slices", "modality") if name in asked}
    try:
        made = phantom(system.name, int(asked["seed"]), asked.get("label"), **options)
    except ValueError as error:
        raise TeachingError(f"This scan cannot be simulated: {error}.", "Make the quiz anew.") from error
    series = replace(made.series, truth=made.truth)
    digest = hashlib.sha256(series.pixels.tobytes()).hexdigest()
    study = Study("Simulated scan", SourceKind.SIMULATED, (series,), digest, simulated=True, case_note=made.note)
    finding = _is_finding(system, made.label)
    return Material(study, 0, system.name, finding, class_of(system, made.label, finding), made.note, True)


@lru_cache(maxsize=4)
def _sample(sample: str) -> Material:
    info, study = sample_info(sample), load_sample(sample)
    system = SYSTEMS[info.system]
    finding = _is_finding(system, info.label)
    index = min(match(study).series_index, len(study.series) - 1)
    return Material(study, index, system.name, finding, class_of(system, info.label, finding), info.case_note, True)


def _case(store: Store, number: int, give_way: GiveWay | None) -> Material:
    record = store.case(number)
    found = opened(store, record, give_way)
    if found.system is None:
        raise TeachingError(f"No system reads case {number}.", "Leave it out of the quiz.")
    system = SYSTEMS[found.system]
    study = found.study
    masks = [(f.name, store.image(f.sha256)) for f in store.case_files(number) if f.role == FileRole.TRUTH]
    if masks:
        series = list(study.series)
        series[found.series_index] = _with_truth(series[found.series_index], masks)
        study = replace(study, series=tuple(series))
    truth = study.series[found.series_index].truth
    settled = store.adjudication(number)
    if settled is not None:
        finding, label = settled.finding, settled.label
    elif truth is not None:
        finding, label = bool(truth.any()), record.recorded_label
    else:
        raise TeachingError(
            f"The truth of case {number} is not known: no arbiter has settled it, and it has no reference mask.",
            "Have it settled on the Arbitration page, or leave it out.",
        )
    named = class_of(system, label, finding)
    return Material(study, found.series_index, system.name, finding, named, "", record.simulated)


def _with_truth(series: Series, masks: list[tuple[str, bytes]]) -> Series:
    try:
        return attach_truth(series, imaging.read(masks).series[0])
    except OverreadError as error:
        raise TeachingError(
            f"The reference mask cannot be laid over the images: {error.message}", "Leave the case out of the quiz."
        ) from error
