"""One case to scores: read, ask the models once, give what each said with the version that said it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from core.engine.results import Decision, ModelResult, ModelState, ModelStatus, Review
from core.engine.vote import voters
from core.errors import EngineBusyError, MemoryFullError, ModelUnavailableError, OverreadError
from core.imaging import Study, read
from core.review.archives.reading_ahead import series_of
from core.review.store import Store, fingerprint
from core.review.tables import Case, DriftReading, Score
from core.review.votes import VOTES
from core.systems import system
from core.weights.card import Identity, ModelCard


class Reviewer(Protocol):
    """What scoring needs of :class:`core.engine.engine.Engine`."""

    weights: Path

    def states(self, system_name: str | None = None) -> tuple[ModelState, ...]:
        """State of every model."""

    def review(
        self,
        study: Study,
        system_name: str,
        series_index: int = 0,
        *,
        progress: Callable[[str, float], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Review:
        """Ask every model of a system about a series."""


@dataclass(frozen=True)
class Installed:
    """The models of a system that can answer now: what scores are compared with.

    Attributes:
        cards: card by model name. folder: where the system's models lie.
    """

    system: str
    cards: dict[str, ModelCard]
    folder: Path

    @property
    def identities(self) -> dict[str, Identity]:
        """Weights and version by model name."""
        return {name: card.identity for name, card in self.cards.items()}

    def gave(self, row: Score | DriftReading) -> bool:
        """Whether a row is of one of these models, in this very version: those of others are never mixed in."""
        card = self.cards.get(row.model)
        mine = card is not None and card.identity == (row.weights_sha256, row.version)
        return mine and row.system == self.system

    @property
    def fingerprint(self) -> str:
        """One hash for the set of models."""
        return fingerprint(self.identities.values())

    @property
    def described(self) -> dict[str, dict[str, str]]:
        """As a run keeps it: version and weights by model name."""
        return {n: {"version": c.version, "weights_sha256": c.weights_sha256} for n, c in self.cards.items()}


def installed(engine: Reviewer, system_name: str) -> Installed:
    """The models of a system that are ready."""
    ready = (s for s in engine.states(system_name) if s.status is ModelStatus.READY and s.card is not None)
    cards = {state.name: state.card for state in ready if state.card is not None}
    return Installed(system_name, cards, engine.weights / system_name)


def need_models(engine: Reviewer, system_name: str) -> Installed:
    """The same, refused when there is none.

    Raises:
        ModelUnavailableError: no model of the system is ready.
    """
    found = installed(engine, system_name)
    if not found.cards:
        raise ModelUnavailableError(
            f"No model of {system(system_name).title} is installed.", "Install or train its weights, then score."
        )
    return found


def pending(store: Store, archive_id: int, models: Installed) -> list[Case]:
    """Cases of the system that one of the installed models has not answered, in order of import."""
    cases = [case for case in store.cases(archive_id) if case.system == models.system]
    done: set[int] | None = None
    for name, identity in models.identities.items():
        answered = store.scored(archive_id, models.system, name, identity)
        done = answered if done is None else done & answered
    return [case for case in cases if case.id not in (done or set())]


def scores_for(
    store: Store,
    engine: Reviewer,
    case: Case,
    models: Installed,
    run_id: int | None = None,
    *,
    study: Study | None = None,
    beat: Callable[[], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[Score]:
    """Ask the models about a case; nothing is kept yet.

    A case that cannot be read, or a model that fails on it, gives an error, not a number.

    Args:
        study: its images, where they were read already.
        beat: called between slices. stop: asked between slices.

    Raises:
        EngineBusyError, MemoryFullError: all places are taken, or all memory; try later.
        InterruptedError: stopped.
    """
    try:
        study = study or read(store.case_bytes(_id(case)))
        review = engine.review(
            study, models.system, series_of(case), progress=(lambda *_: beat()) if beat else None, stop=stop
        )
        return scores_of(review, _id(case), models, run_id)
    except (EngineBusyError, MemoryFullError):
        raise
    except OverreadError as error:
        return [
            _failed(_id(case), card, run_id, str(error), votes=name in voters(models.cards))
            for name, card in models.cards.items()
        ]


def scores_of(review: Review, case_id: int, models: Installed, run_id: int | None = None) -> list[Score]:
    """Rows of what the models said, at the series' most suspicious slice (the same for all models).

    ``details`` holds ``votes`` (whether the model votes, see :mod:`core.engine.vote`), ``slices``, ``findings`` (the
    probability of a finding on every slice, null where the model failed) and ``stopped`` (why the wrong-image gate
    stopped the image; empty when it passed); ``ood`` is how far it lies beyond the gate's limit, above 0 is beyond. A
    model that changed since ``models`` was looked at is left out: a run never mixes versions.
    """
    rows, heard = [], review.heard
    for result in review.results:
        card = models.cards.get(result.state.name)
        if card is None or result.state.card is None or result.state.card.identity != card.identity:
            continue
        own = card.name in heard
        if result.finding is None or result.calibrated is None:
            reason = result.state.reason or "The model gave no answer."
            rows.append(_failed(case_id, card, run_id, reason, votes=own))
        elif result.failed(review.peak):
            rows.append(_failed(case_id, card, run_id, "The model failed on the image's decisive slice.", votes=own))
        else:
            rows.append(_score(result, review, case_id, card, run_id, votes=own))
    return rows


def _score(
    result: ModelResult, review: Review, case_id: int, card: ModelCard, run_id: int | None, *, votes: bool
) -> Score:
    peak, gate = review.peak, review.gate
    assert result.finding is not None
    assert result.calibrated is not None
    at = result.calibrated[peak]
    withheld = result.gated is not None and bool(result.gated[peak])
    return Score(
        case_id=case_id,
        run_id=run_id,
        system=card.system,
        model=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        finding=float(result.finding[peak]),
        decision=(result.decision(peak) or Decision.CLEAR).value,
        threshold=card.threshold.value,
        slice_index=peak,
        probabilities={name: float(p) for name, p in zip(card.classes, at, strict=True)},
        ood=gate.strange if gate is not None else None,
        mask_pixels=None if result.mask is None or withheld else int(result.mask[peak].sum()),
        details={
            VOTES: votes,
            "slices": len(result.finding),
            "findings": [round(float(p), 4) if np.isfinite(p) else None for p in result.finding],
            "stopped": [flag.text for flag in gate.reasons] if gate is not None else [],
        },
        seconds=result.seconds * len(result.finding),
    )


def _failed(case_id: int, card: ModelCard, run_id: int | None, error: str, *, votes: bool) -> Score:
    return Score(
        case_id=case_id,
        run_id=run_id,
        system=card.system,
        model=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        threshold=card.threshold.value,
        details={VOTES: votes},
        error=error,
    )


def _id(case: Case) -> int:
    assert case.id is not None
    return case.id


def answered(scores: Sequence[Score]) -> bool:
    """Whether at least one model gave a number."""
    return any(not score.error for score in scores)
