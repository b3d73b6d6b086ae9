"""What a published system was reported to reach, told by its name: cards say "Source system" where they mean it."""

from __future__ import annotations

from core.systems.catalogue import SYSTEMS
from core.weights.card import ModelCard

_CARDS_SAY = "Source system"


def published(card: ModelCard) -> str:
    """What the card's ``published`` says, by the name of the system and what it is; empty where it says nothing.

    Example:
        ``Source system: AUC 0.84`` of a chest model is ``A published chest CT demo, ...: AUC 0.84``.
    """
    said, declared = card.published, SYSTEMS.get(card.system)
    if declared is None or not declared.source or not said.startswith(_CARDS_SAY):
        return said
    named = declared.source[0].upper() + declared.source[1:]
    rest = said.removeprefix(_CARDS_SAY)
    return named + (f", its{rest[2:]}" if rest.startswith("'s ") else rest)
