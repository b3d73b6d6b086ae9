"""What answers prove: a reader's ROC from confidence, sensitivity, specificity, calibration, localisation, time; and
which cases are hard and which tell good readers from weak ones. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.statistics.calibration import brier
from core.statistics.curves import Band, Curve, Reliability, reliability, roc_band, roc_curve
from core.statistics.delong import delong
from core.statistics.intervals import Interval, wilson
from core.teaching.results import Row
from core.teaching.rules import Stage

BINS = 5  # of the confidence: nobody answers hundreds of cases
FEWEST_OTHERS = 5  # learners of whom a class is made up, so that none of them can be told apart


@dataclass(frozen=True, eq=False)
class FreeResponse:
    """Free-response curve: cases found at their place against marks beside it, from the surest answers to all.

    Attributes:
        false_marks: ``(K,)`` marks on no lesion, for each case read. found: ``(K,)`` share of the cases with a finding
            on which a mark hits it.
        cases, findings: read, and with a finding.
    """

    false_marks: NDArray[np.float64]
    found: NDArray[np.float64]
    cases: int
    findings: int


@dataclass(frozen=True, eq=False)
class Figures:
    """A reader's figures; ``None`` where the answers allow none (one class only).

    Attributes:
        n: answers that say something. right: share of right ones.
        auc: with DeLong's interval. sensitivity, specificity: with Wilson's.
        brier: mean squared distance of stated probability and truth, 0 is best, 0.25 is a guess.
        seconds: median time for a case. points: mean, 0 to 100.
    """

    n: int
    right: Interval
    sensitivity: Interval
    specificity: Interval
    points: float
    brier: float | None
    auc: Interval | None
    curve: Curve | None
    band: Band | None
    reliability: Reliability | None
    localisation: FreeResponse | None
    seconds: float


def figures(rows: Sequence[Row], resamples: int = 500) -> Figures:
    """Figures of one reader's answers; those that came without saying anything count as wrong, and in no curve."""
    said = [row for row in rows if row.probability is not None]
    truth = np.array([row.item.finding for row in said], dtype=bool)
    stated = np.array([row.probability for row in said], dtype=float)
    decided = np.array([bool(row.answer.finding) for row in said], dtype=bool)
    both = bool(truth.any()) and not bool(truth.all())
    return Figures(
        n=len(said),
        right=wilson(sum(row.right for row in rows), len(rows)),
        sensitivity=wilson(int((decided & truth).sum()), int(truth.sum())),
        specificity=wilson(int((~decided & ~truth).sum()), int((~truth).sum())),
        points=float(np.mean([row.points for row in rows])) if rows else float("nan"),
        brier=brier(stated, truth) if len(said) else None,
        auc=delong(truth, stated) if both else None,
        curve=roc_curve(truth, stated) if both else None,
        band=roc_band(truth, stated, n=resamples) if both and resamples else None,
        reliability=reliability(stated, truth, bins=BINS, n=resamples) if len(said) > 1 and resamples else None,
        localisation=free_response(said),
        seconds=float(np.median([row.answer.seconds for row in rows])) if rows else float("nan"),
    )


def free_response(rows: Sequence[Row]) -> FreeResponse | None:
    """Localisation over falling confidence; ``None`` without a marked case or without a case with a finding."""
    findings = sum(row.item.finding for row in rows)
    if not findings or not any(row.answer.marks for row in rows):
        return None
    stated = np.array([row.probability or 0.0 for row in rows])
    hits = np.array([bool(row.answer.found) for row in rows])
    beside = np.array([row.answer.false_marks for row in rows], dtype=float)
    steps = np.unique(stated)[::-1]
    found = [0.0, *(float(hits[stated >= step].sum()) / findings for step in steps)]
    false = [0.0, *(float(beside[stated >= step].sum()) / len(rows) for step in steps)]
    return FreeResponse(np.array(false), np.array(found), len(rows), findings)


@dataclass(frozen=True)
class CaseFigures:
    """One case over all learners' first answers.

    Attributes:
        right: share of right answers. points: mean.
        discrimination: correlation of being right here with the share of right answers on the other cases: near 0 or
            below, the case does not tell good readers from weak ones. ``None`` without any spread.
    """

    item: int
    position: int
    n: int
    right: Interval
    points: float
    discrimination: float | None
    seconds: float


def by_case(rows: Sequence[Row], stage: Stage = Stage.ALONE) -> list[CaseFigures]:
    """Every case, the hardest first; of each learner the first answer of a stage counts."""
    first = first_answers(rows, stage)
    learners = sorted({row.learner for row in first})
    items = sorted({(row.item.position, row.item.id or 0) for row in first})
    table = np.full((len(learners), len(items)), np.nan)
    for row in first:
        table[learners.index(row.learner), items.index((row.item.position, row.item.id or 0))] = row.right
    made = []
    for k, (position, item) in enumerate(items):
        mine = [row for row in first if row.item.id == item]
        made.append(
            CaseFigures(
                item=item,
                position=position,
                n=len(mine),
                right=wilson(sum(row.right for row in mine), len(mine)),
                points=float(np.mean([row.points for row in mine])),
                discrimination=discrimination(table, k),
                seconds=float(np.median([row.answer.seconds for row in mine])),
            )
        )
    return sorted(made, key=lambda one: (one.right.value, one.points, one.position))


def discrimination(table: NDArray[np.float64], case: int) -> float | None:
    """Corrected item-total correlation: of a case with the mean over the others (Guilford 1954).

    Args:
        table: ``(learners, cases)`` 1 right, 0 wrong, NaN not answered. case: its column.

    >>> discrimination(np.array([[1.0, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]]), 0)
    0.7071067811865475
    """
    rest = np.delete(table, case, axis=1)
    known = ~np.isnan(table[:, case]) & (~np.isnan(rest)).any(axis=1)
    if known.sum() < 3:
        return None
    mine, others = table[known, case], np.nanmean(rest[known], axis=1)
    if mine.std() == 0 or others.std() == 0:
        return None
    return float(np.corrcoef(mine, others)[0, 1])


def first_answers(rows: Sequence[Row], stage: Stage = Stage.ALONE) -> list[Row]:
    """Of every learner and case the first answer, given alone or with the models in sight."""
    kept: dict[tuple[int, int], Row] = {}
    for row in sorted(rows, key=lambda row: row.answer.id or 0):
        if row.stage is stage:
            kept.setdefault((row.learner, row.item.id or 0), row)
    return list(kept.values())


def by_learner(rows: Sequence[Row], stage: Stage = Stage.ALONE) -> dict[int, list[Row]]:
    """First answers of a stage by learner."""
    found: dict[int, list[Row]] = {}
    for row in first_answers(rows, stage):
        found.setdefault(row.learner, []).append(row)
    return found
