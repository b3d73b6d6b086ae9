"""Three-way triage of an answer by class-conditional conformal sets: low, refer or high, at a level that is picked."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.statistics.conformal import ConformalRule, conformal_sets, fit_conformal
from core.weights.card import ModelCard
from core.weights.predictions import Evidence

LEVEL = 0.9  # coverage that is promised where nobody picked another
LEVELS = (0.8, LEVEL, 0.95, 0.99)


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


@functools.lru_cache(maxsize=256)
def conformal_rule(model: Evidence, level: float) -> ConformalRule | None:
    """The rule from a model's validation part; ``None`` without one."""
    part = model.part("validation")
    return None if part is None else fit_conformal(part.calibrated, part.classes, level)


def triage(evidence: Evidence, card: ModelCard, calibrated: np.ndarray, level: float = LEVEL) -> Sorted | None:
    """Sort a model's answer on one slice; ``None`` without calibration images, for another version of the model, or
    for an answer that is not finite.

    Args:
        evidence: stored predictions of the model; its validation part calibrates.
        card: of the model that answered. calibrated: ``(classes,)`` its calibrated probabilities. level: in (0, 1).
    """
    calibration, rule = evidence.part("validation"), conformal_rule(evidence, level)
    if calibration is None or rule is None or card.identity != evidence.card.identity:
        return None
    row = np.asarray(calibrated, dtype=np.float64)
    if not np.isfinite(row).all():
        return None
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
