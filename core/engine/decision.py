"""A model's, an ensemble's or a pair's answer at its threshold."""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """An answer at a stored threshold."""

    FINDING = "finding"
    CLEAR = "clear"


def decide(probability: float, threshold: float) -> Decision:
    """A finding from the threshold on; both in [0, 1]."""
    return Decision.FINDING if probability >= threshold else Decision.CLEAR
