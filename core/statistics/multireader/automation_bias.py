"""What readers make of a machine's advice: what it brought them, what it cost them, and how readily they follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.statistics._checks import BoolArray, StatisticsInputError, binary_truth
from core.statistics.intervals import Interval, wilson
from core.statistics.multireader import reader_bootstrap

ALPHA = 0.05


@dataclass(frozen=True)
class Reliance:
    """One reader, alone and with the advice.

    Attributes:
        gained: wrong alone, right with it. lost: the other way round. followed: of those lost, how many took the side
            of a wrong advice.
        taken_right, taken_wrong: of the cases on which the reader alone and the advice disagreed, the share in which
            the reader came over, where the advice was right and where it was wrong; Wilson interval, ``nan`` without
            such a case.
        change: change of the share of right answers, -1 to 1, over cases (bootstrap). p: exact McNemar test.
    """

    gained: int
    lost: int
    followed: int
    taken_right: Interval
    taken_wrong: Interval
    change: Interval
    p: float

    @property
    def harmed(self) -> bool:
        """Whether the reader reads worse with the advice than alone, beyond chance by the exact test: with few cases a
        bootstrapped interval is too narrow to say so."""
        return self.lost > self.gained and self.p < ALPHA


@dataclass(frozen=True)
class AutomationBias:
    """All readers together; changes are of the share of right answers, over readers and cases.

    Attributes:
        readers: one entry a reader. change: over all cases. right, wrong: over the cases where the advice was right,
            and where it was wrong; ``None`` where there is none such.
    """

    readers: tuple[Reliance, ...]
    change: Interval
    right: Interval | None
    wrong: Interval | None


def automation_bias(truth: ArrayLike, advice: ArrayLike, alone: ArrayLike, advised: ArrayLike) -> AutomationBias:
    """The effect of advice on decisions.

    Args:
        truth, advice: ``(cases,)`` 0/1. alone, advised: ``(readers, cases)`` 0/1, the readers' decisions.

    Raises:
        StatisticsInputError: shapes that do not fit, or values that are neither 0 nor 1.
    """
    labels, said = binary_truth(truth), binary_truth(advice)
    before, after = _decisions(alone, len(labels)), _decisions(advised, len(labels))
    if len(said) != len(labels) or before.shape != after.shape:
        raise StatisticsInputError("Truth, advice and decisions differ in length.", "Give one value a case in each.")
    right = said == labels
    gain = (after == labels).astype(float) - (before == labels).astype(float)
    return AutomationBias(
        tuple(_reader(labels, said, b, a) for b, a in zip(before, after, strict=True)),
        reader_bootstrap.mean(gain),
        reader_bootstrap.mean(gain[:, right]) if right.any() else None,
        reader_bootstrap.mean(gain[:, ~right]) if not right.all() else None,
    )


def _reader(labels: BoolArray, said: BoolArray, before: BoolArray, after: BoolArray) -> Reliance:
    was, is_ = before == labels, after == labels
    gained, lost = int((~was & is_).sum()), int((was & ~is_).sum())
    open_ = before != said
    shares = []
    for right in (True, False):
        asked = open_ & ((said == labels) == right)
        n = int(asked.sum())
        shares.append(wilson(int((after[asked] == said[asked]).sum()), n) if n else _nothing())
    return Reliance(
        gained,
        lost,
        int((was & ~is_ & (after == said)).sum()),
        shares[0],
        shares[1],
        reader_bootstrap.mean((is_.astype(float) - was.astype(float))[None]),
        float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0,
    )


def _nothing() -> Interval:
    nan = float("nan")
    return Interval(nan, nan, nan, 0, 0, "no such case", 0.95)


def _decisions(values: ArrayLike, cases: int) -> BoolArray:
    table = np.asarray(values)
    if table.ndim != 2 or table.shape[1] != cases:
        raise StatisticsInputError(f"Expected decisions of shape (readers, {cases}).", "Give every reader every case.")
    return binary_truth(table.reshape(-1)).reshape(table.shape)
