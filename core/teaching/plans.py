"""What a reader study is planned as: its arms, readers, blocks and the pause between sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.teaching.rules import TeachingError

MOST_READERS, LONGEST_PAUSE = 100, 365  # readers, days
WASHOUT = 28  # days: four weeks are usual, so that a case is forgotten


class Arm(StrEnum):
    """With what a case is read."""

    UNAIDED = "unaided"
    SECOND = "second reader"  # an answer alone, then one with the models in sight
    CONCURRENT = "concurrent"  # the models in sight from the beginning


@dataclass(frozen=True)
class Plan:
    """A study to be made.

    Attributes:
        arms: each is read in a session of its own; *second reader* alone has both its answers compared.
        readers: places. blocks: 1 for fully crossed, else split-plot (``core.statistics.multireader.split_plot``).
        washout: days from the end of a session to the beginning of the reader's next. seed: of the assignment.
    """

    arms: tuple[Arm, ...]
    readers: int
    blocks: int = 1
    washout: int = WASHOUT
    seed: int = 0

    def __post_init__(self) -> None:
        if len(set(self.arms)) != len(self.arms) or not (len(self.arms) > 1 or self.arms == (Arm.SECOND,)):
            raise TeachingError(
                "A study compares arms.",
                "Choose two, or “second reader” alone: its first answers are the unaided ones.",
            )
        if not 2 <= self.readers <= MOST_READERS:
            raise TeachingError(f"A study has 2 to {MOST_READERS} readers, not {self.readers}.", "Plan for others.")
        if not 0 <= self.washout <= LONGEST_PAUSE:
            raise TeachingError(f"A pause has 0 to {LONGEST_PAUSE} days.", "Choose another one.")

    @property
    def compared(self) -> tuple[Arm, ...]:
        """What the analysis compares; of *second reader* alone the first answers are the unaided ones."""
        return (Arm.UNAIDED, Arm.SECOND) if self.arms == (Arm.SECOND,) else self.arms

    def as_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return asdict(self) | {"arms": [str(arm) for arm in self.arms]}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Plan:
        """From what the store keeps."""
        numbers = {name: int(kept[name]) for name in ("readers", "blocks", "washout", "seed")}
        return cls(arms=tuple(Arm(one) for one in kept["arms"]), **numbers)
