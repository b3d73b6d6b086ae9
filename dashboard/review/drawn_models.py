"""The models that draw on a case: each one's number, which decides colour and line, and what it says along a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.engine.results import ModelState, ModelStatus
from dashboard.kit import words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.viewer import overlays
from dashboard.viewer.suspicion import Along, Suspicion


@dataclass(frozen=True)
class DrawnModel:
    """A model that answers, or will; the same in the table, in the slice bar and over the picture.

    Attributes:
        number: its place in its system. name: short, told apart from the others of the system.
    """

    number: int
    name: str
    state: ModelState

    @property
    def mask_id(self) -> str:
        """Its outline over the picture."""
        return f"mask {self.state.name}"

    @property
    def heat_id(self) -> str:
        """Its heat map over the picture."""
        return f"heat {self.state.name}"

    @property
    def line(self) -> tuple[tuple[int, int, int], tuple[int, ...]]:
        """Its colour and line."""
        return overlays.line_of(self.number)


def of(case: OpenCase) -> list[DrawnModel]:
    """Of the system that reads the series on the screen; none where no model was asked."""
    if case.job is None or case.system is None:
        return []
    review = case.review
    states = engine().states(case.system) if review is None else [r.state for r in review.results]
    short = words.short_titles([state.title for state in states])
    found = [DrawnModel(number, short[state.title], state) for number, state in enumerate(states)]
    return [one for one in found if one.state.status is ModelStatus.READY]


def along(case: OpenCase) -> Suspicion | None:
    """What each model says of every slice on the screen; ``None`` for a single image, and where none was asked."""
    job, shown = case.job, (case.system, case.series_index)
    if job is None or case.series.slices < 2:
        return None
    models = {one.state.name: one for one in of(case)}

    def now() -> tuple[Sequence[Along], bool]:
        review = case.review if (case.system, case.series_index) == shown else None
        found = []
        for result in () if review is None else review.ready:
            model = models.get(result.state.name)
            if model is None or result.finding is None:
                continue
            waits = np.zeros(len(result.finding), bool) if result.waiting is None else result.waiting
            found.append(Along(model.number, model.name, result.finding, waits, result.threshold))
        return found, job.running

    return Suspicion(now, f"{shown} {id(job)}")
