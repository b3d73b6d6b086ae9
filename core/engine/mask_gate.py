"""A model that opens or shuts the way for another one's mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.engine.results import ModelResult


def mask_gated(result: ModelResult, by_name: Mapping[str, ModelResult]) -> ModelResult:
    """Withhold the mask on slices where the gate says clear; without a working gate nothing is withheld or shown."""
    card = result.state.card
    if result.mask is None or card is None or card.gate is None:
        return result
    gate = by_name.get(card.gate)
    if gate is not None and gate.finding is None and gate.waiting is not None:
        return replace(result, mask=None, mask_probability=None)
    if gate is None or gate.finding is None or gate.threshold is None:
        return replace(
            result,
            mask=None,
            mask_probability=None,
            gated=None,
            state=replace(result.state, reason=f"No mask: its gate, the model {card.gate}, did not answer."),
        )
    shut = ~(gate.finding >= gate.threshold)  # a gate that failed on a slice opens nothing there, nor one that waits
    mask = result.mask.copy()
    mask[shut] = False
    probability = None if result.mask_probability is None else result.mask_probability.copy()
    if probability is not None:
        probability[shut] = 0
    gated = shut if gate.waiting is None else shut & ~gate.waiting
    return replace(result, mask=mask, mask_probability=probability, gated=gated)
