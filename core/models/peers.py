"""Which models of a system answer one question, so that their answers may be counted or averaged together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.weights.card import ModelCard


def members(cards: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    """Cards that may join: two classes, and the classes and findings of the first such card; classic models stay out.

    A classic model repeats a published one for comparison; it is shown beside the others, not counted twice.
    """
    binary = [c for c in cards if len(c.classes) == 2 and not c.name.startswith("classic")]
    return tuple(c for c in binary if (c.classes, c.positive) == (binary[0].classes, binary[0].positive))


def judges(cards: Mapping[str, ModelCard]) -> dict[str, ModelCard]:
    """Models whose answers may speak about recorded labels, by name: :func:`members`, or all where none is one.

    A model of more classes answers another question. The four-class chest models have never seen a benign nodule:
    on their own validation images they hardly err, and they call one cancer with full confidence.
    """
    chosen = {card.name for card in members(cards.values())}
    return {name: card for name, card in cards.items() if card.name in chosen} or dict(cards)
