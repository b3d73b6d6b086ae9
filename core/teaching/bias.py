"""What a planted AI did to its readers: the effect where it was right and where it was wrong, reader by reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.csv_cells import rows_csv
from core.evidence.readings import ADVISED
from core.review.tables import PlantedAnswer
from core.statistics.multireader.automation_bias import AutomationBias, automation_bias
from core.teaching.results import Row
from core.teaching.rules import Purpose, Stage


@dataclass(frozen=True, eq=False)
class Laboratory:
    """What the AI did to the readers of a quiz who have answered all of its cases twice.

    Attributes:
        names: of the readers, in the order of ``found.readers``. cases: numbers of the cases, from 1, by position.
        truth, advice: ``(cases,)``. alone, advised: ``(readers, cases)`` decisions.
        alone_right, advised_right: share of right ones of each reader, 0 to 1.
    """

    names: tuple[str, ...]
    cases: tuple[int, ...]
    truth: np.ndarray
    advice: np.ndarray
    alone: np.ndarray
    advised: np.ndarray
    found: AutomationBias

    @property
    def alone_right(self) -> np.ndarray:
        """Share of right decisions of each reader alone."""
        return np.asarray((self.alone == self.truth).mean(axis=1))

    @property
    def advised_right(self) -> np.ndarray:
        """The same with the AI in sight."""
        return np.asarray((self.advised == self.truth).mean(axis=1))

    @property
    def wrong(self) -> list[int]:
        """Numbers of the cases of which the AI said what is wrong."""
        return [number for number, bad in zip(self.cases, self.advice != self.truth, strict=True) if bad]


def laboratory(rows: Sequence[Row], advice: Mapping[int, PlantedAnswer]) -> Laboratory | None:
    """The effect of the AI on the first attempts of all readers; ``None`` while nobody has finished.

    Who has seen the end of the quiz knows what the AI was: later attempts do not count.
    """
    mine = [r for r in rows if r.item.id in advice and r.attempt.number == 1 and r.attempt.purpose == Purpose.QUIZ]
    items = {row.item.id or 0: row.item for row in mine}
    order = sorted(items, key=lambda number: items[number].position)
    given = {
        (row.learner, row.stage, row.item.id or 0): bool(row.answer.finding)
        for row in mine
        if row.answer.finding is not None
    }
    names = {row.learner: row.name for row in mine if row.attempt.finished is not None}
    whole = [
        learner
        for learner in sorted(names)
        if all((learner, stage, item) in given for stage in (Stage.ALONE, Stage.ADVISED) for item in order)
    ]
    if not whole:
        return None
    alone, advised = (
        np.array([[given[learner, stage, item] for item in order] for learner in whole], int)
        for stage in (Stage.ALONE, Stage.ADVISED)
    )
    truth = np.array([items[number].finding for number in order], int)
    machine = np.array([advice[number].finding for number in order], int)
    return Laboratory(
        tuple(names[learner] for learner in whole),
        tuple(items[number].position + 1 for number in order),
        truth,
        machine,
        alone,
        advised,
        automation_bias(truth, machine, alone, advised),
    )


def csv(found: Laboratory) -> str:
    """Decisions as ``overread readers advice`` takes them; readers have numbers, in the order of the names."""
    arms = (("alone", found.alone), ("with the planted AI", found.advised))
    return rows_csv(
        ADVISED,
        (
            dict(
                zip(
                    ADVISED,
                    (r + 1, case, arm, int(found.truth[c]), int(found.advice[c]), int(decided[r, c])),
                    strict=True,
                )
            )
            for arm, decided in arms
            for r in range(len(found.names))
            for c, case in enumerate(found.cases)
        ),
    )
