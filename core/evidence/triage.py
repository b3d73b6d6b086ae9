"""Three-way triage of an answer by class-conditional conformal sets: low, refer or high, at a level the user picks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.engine.results import ModelResult
from core.evidence import promise
from core.statistics.conformal import conformal_sets
from core.weights.predictions import Evidence


class Triage(StrEnum):
    """What the set of a case says."""

    LOW = "low"  # only classes without a finding
    REFER = "refer"  # both, so that a person must decide, or none: unlike the calibration images
    HIGH = "high"  # only classes with a finding


@dataclass(frozen=True)
class Sorted:
    """Triage of one answer, with what it rests on.

    Attributes:
        triage: low, refer or high.
        classes: names of the classes in the set.
        level: promised coverage in every class.
        cases: calibration images by class. groups: patients or groups among them.
        needed: the fewest images of a class with which the level can be promised.
        short: classes with too few images to guarantee anything: they are in every set.
        version: of the model that was calibrated.
    """

    triage: Triage
    classes: tuple[str, ...]
    level: float
    cases: dict[str, int]
    groups: int
    needed: int
    short: tuple[str, ...]
    version: str


def triage(evidence: Evidence, result: ModelResult, index: int, level: float) -> Sorted | None:
    """Sort a model's answer on one slice; ``None`` without calibration images or of another model version.

    Args:
        evidence: stored predictions of the model; its validation part calibrates.
        result: the answer. index: slice. level: in (0, 1).
    """
    card, calibration = result.state.card, evidence.part("validation")
    if card is None or result.calibrated is None or calibration is None or result.failed(index):
        return None
    if card.weights_sha256 != evidence.card.weights_sha256:
        return None
    rule = promise.rule(evidence, level)
    assert rule is not None
    row = np.asarray(result.calibrated[index], dtype=np.float64)
    inside = [n for n, held in zip(card.classes, conformal_sets(rule, row[None])[0], strict=True) if held]
    positive = [name for name in inside if name in card.positive]
    sort = Triage.REFER
    if inside and len(positive) == len(inside):
        sort = Triage.HIGH
    elif inside and not positive:
        sort = Triage.LOW
    return Sorted(
        triage=sort,
        classes=tuple(inside),
        level=level,
        cases={name: int(n) for name, n in zip(card.classes, rule.cases, strict=True)},
        groups=calibration.group_count,
        needed=rule.needed,
        short=tuple(n for n, enough in zip(card.classes, rule.guaranteed, strict=True) if not enough),
        version=card.version,
    )
