"""What PET and MR, or PET and CT, say together about one place."""

from __future__ import annotations

from dataclasses import dataclass

from core.engine.decision import Decision, decide
from core.imaging.places import Partner
from core.weights.fusion import Fusion


@dataclass(frozen=True)
class PairAnswer:
    """What both modalities say about one place.

    Attributes:
        pet, other: calibrated probability of a finding by the model of each modality on its own slice.
        finding: both together.
        rule: how they were fused, and what that is worth.
    """

    pet: float
    other: float
    finding: float
    rule: Fusion

    @property
    def decision(self) -> Decision:
        """Answer at the rule's threshold."""
        return decide(self.finding, self.rule.threshold.value)


@dataclass(frozen=True)
class Pair:
    """A slice read with the one of the other modality at its place.

    Attributes:
        slice_index: of the series that is reviewed.
        other: the slice of the other modality; ``None`` where none shows this place.
        answer: what both say; ``None`` where that could not be asked.
        reason: why there is no answer, with what to do; empty with one.
    """

    slice_index: int
    other: Partner | None = None
    answer: PairAnswer | None = None
    reason: str = ""
