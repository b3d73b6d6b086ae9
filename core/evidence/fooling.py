"""Whether a model's answer was turned by what is no disease, and what its data set's audit says of such shortcuts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.audit.datacards import read_audit
from core.audit.report import AuditReport
from core.engine.results import Decision, ModelResult, Review
from core.simulate.disguise import Changed
from core.weights.card import ModelCard


@dataclass(frozen=True)
class Turn:
    """One model on the picture as drawn and as changed.

    Attributes:
        before, after: its decisions; ``None`` without an answer. distance: see :class:`Changed`.
        counts: the answer turned, the lesion is untouched and the gate let the picture pass.
        why: what is missing, as a sentence; empty where it counts.
    """

    model: str
    before: Decision | None
    after: Decision | None
    distance: float
    counts: bool
    why: str


def turned(before: Review, after: Review, made: Changed) -> dict[str, Turn]:
    """Every model, by name.

    Args:
        before, after: what the models say of the picture as drawn, and of ``made``; as the engine gives them.
    """
    answers = {result.state.name: result for result in after.ready}
    found = {}
    for result in before.ready:
        first, then = result.decision(0), _decision(answers.get(result.state.name))
        why = ""
        if first is None or then is None:
            why = "It has not answered both."
        elif first is then:
            why = "Its answer stands."
        elif not made.untouched:
            why = "The lesion itself was changed or cut: that is no disguise."
        elif any(one.gate is not None and one.gate.stopped for one in (before, after)):
            why = "The gate stopped the picture: nobody would have seen that answer."
        found[result.state.name] = Turn(result.state.name, first, then, made.distance, not why, why)
    return found


def _decision(result: ModelResult | None) -> Decision | None:
    return None if result is None else result.decision(0)


def audits(cards: Iterable[ModelCard]) -> tuple[AuditReport, ...]:
    """The stored audits of the sets that models were trained on, each once; sets without one are left out."""
    names = dict.fromkeys(use.name for card in cards for use in card.data)
    return tuple(audit for name in names if (audit := read_audit(name)) is not None)


def baselines(cards: Iterable[ModelCard]) -> dict[tuple[str, str], Mapping[str, float]]:
    """What grey levels alone reach on the models' test parts, by set and feature, as the cards keep it."""
    found: dict[tuple[str, str], Mapping[str, float]] = {}
    for card in cards:
        names = " and ".join(use.name for use in card.data if use.test)
        for label, figures in card.baselines.items():
            if label.startswith("grey") and "auc_low" in figures:
                found.setdefault((names, label), figures)
    return found
