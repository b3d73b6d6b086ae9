"""The vote on a stored case, counted from the scores of its models by the rule of the engine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from core.engine.results import Decision
from core.engine.vote import Voice, Vote, aside, asks_own, voice
from core.review.tables import Score
from core.systems import SYSTEMS

VOTES = "votes"  # in a score's details: whether its model votes


def vote_of(scores: Sequence[Score], heard: Collection[str] | None = None) -> Vote:
    """The vote of some models' scores of one case, at its most suspicious slice.

    Args:
        scores: of one system, one a model.
        heard: models that vote; by default as it was kept with the scores, or for scores that are older than that,
            those whose classes are the system's own, or all where no model's are.
    """
    if heard is None:
        own = {s.model for s in scores if _asks_own(s)}
        heard = own or {s.model for s in scores if s.details.get(VOTES) is None}
    said = [(s.model in heard, _voice(s)) for s in scores]
    beside = (
        replace(v, aside=aside(s.system, s.probabilities)) for (own, v), s in zip(said, scores, strict=True) if not own
    )
    return Vote(tuple(v for own, v in said if own), tuple(beside))


def _asks_own(score: Score) -> bool:
    kept = score.details.get(VOTES)
    return bool(kept) if kept is not None else asks_own(score.system, score.model, score.probabilities)


def _voice(score: Score) -> Voice:
    title = title_of(score.system, score.model)
    if score.error or score.finding is None or score.decision is None:
        return Voice(score.model, title, failed=bool(score.error))
    told = voice(score.model, title, score.finding, score.threshold or 0.0)
    # The decision was made, and shown, with the threshold of that day.
    return Voice(score.model, title, told.probability, None if told.failed else score.decision == Decision.FINDING)


def title_of(system_name: str, model: str) -> str:
    """A model's title in its system's declaration, or its name."""
    declared = SYSTEMS.get(system_name)
    slots = declared.models if declared is not None else ()
    return next((slot.title for slot in slots if slot.name == model), model)
