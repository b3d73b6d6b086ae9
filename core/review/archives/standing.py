"""What stands beside each case: the current models' answers, and what they say about the patient's other images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.engine.results import Decision
from core.engine.vote import NO_VOTE, Vote, count, most, voters
from core.review.archives.scoring import Installed
from core.review.archives.sentence import ModelAnswer, PatientView
from core.review.tables import Case, Score
from core.systems import system


@dataclass(frozen=True)
class Answers:
    """The installed models' answers on one case.

    Attributes:
        given: one a model that votes (:mod:`core.engine.vote`), in the system's order; models without a score of the
            installed version are left out.
        beside: likewise, of models without a vote: they are shown and counted nowhere.
        vote: what they say together.
        slices: of the series. found: of them, those on which most models see a finding.
    """

    given: tuple[ModelAnswer, ...] = ()
    beside: tuple[ModelAnswer, ...] = ()
    vote: Vote = NO_VOTE
    slices: int = 1
    found: int = 0

    @property
    def unlike(self) -> bool:
        """Whether the gate stopped the image."""
        return any(a.unlike for a in self.given)

    @property
    def stopped(self) -> tuple[str, ...]:
        """Why the gate stopped it."""
        return next((a.stopped for a in self.given if a.stopped), ())

    @property
    def ood(self) -> float | None:
        """How far the image lies beyond the gate's limit; above 0 is beyond."""
        values = [a.ood for a in self.given if a.ood is not None]
        return max(values) if values else None


def current(scores: Iterable[Score], models: Installed) -> dict[int, Answers]:
    """Answers by case, of the installed versions only: scores of others are never mixed in."""
    order = {slot.name: place for place, slot in enumerate(system(models.system).models)}
    by_case: dict[int, list[Score]] = defaultdict(list)
    for score in scores:
        if models.gave(score):
            by_case[score.case_id].append(score)
    return {
        case: _answers(sorted(rows, key=lambda s: order.get(s.model, len(order))), models)
        for case, rows in by_case.items()
    }


def _answers(rows: Sequence[Score], models: Installed) -> Answers:
    heard = voters(models.cards)
    beside = tuple(_answer(row, models) for row in rows if row.model not in heard)
    rows = [row for row in rows if row.model in heard]
    given = tuple(_answer(row, models) for row in rows)
    vote = count(models.cards, [answer.voice for answer in (*given, *beside)])
    findings = [row.details["findings"] for row in rows if not row.error and row.details.get("findings")]
    if not findings:
        return Answers(given, beside, vote)
    limits = [row.threshold or 0.0 for row in rows if not row.error and row.details.get("findings")]
    says = np.stack([np.asarray(f, np.float64) >= t for f, t in zip(findings, limits, strict=True)])
    return Answers(given, beside, vote, says.shape[1], int(most(says).sum()))


def _answer(row: Score, models: Installed) -> ModelAnswer:
    answered = not row.error and row.finding is not None and np.isfinite(row.finding)
    return ModelAnswer(
        model=row.model,
        title=models.cards[row.model].title,
        version=row.version,
        finding=row.finding if answered else None,
        positive=row.decision == Decision.FINDING if answered else None,
        threshold=row.threshold,
        ood=row.ood,
        unlike=bool(row.details.get("stopped")),
        mask_pixels=row.mask_pixels,
        error=row.error,
        stopped=tuple(row.details.get("stopped", ())),
    )


def group_of(case: Case) -> str:
    """Patient of a case; an unknown one is nobody else."""
    return case.patient or f"case {case.id}"


def patient_views(cases: Sequence[Case], answers: Mapping[int, Answers]) -> dict[int, PatientView]:
    """By case, what the models say about the patient's other scored cases.

    An image that the gate stopped does not count: nothing is told of it until the reader overrules.
    """
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * 5)  # images, found, split, recorded, of them a finding
    own: dict[int, tuple[int, ...]] = {}
    for case in cases:
        given = answers.get(case.id or 0, Answers())
        vote = given.vote
        if not vote.counted or given.stopped:
            continue
        said = (int(vote.decided is True), int(vote.tied))
        mine = (1, *said, int(case.recorded_finding is not None), int(bool(case.recorded_finding)))
        own[case.id or 0] = mine
        for place, value in enumerate(mine):
            totals[group_of(case)][place] += value
    views = {}
    for case in cases:
        all_of_them = totals.get(group_of(case), [0] * 5)
        less = own.get(case.id or 0, (0,) * 5)
        images, found, split, recorded, positive = (a - b for a, b in zip(all_of_them, less, strict=True))
        views[case.id or 0] = PatientView(images, found, positive if recorded else None, split)
    return views
