"""What the engine answers: plain values, ready for a page, the API or a report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.models.card import ModelCard


class ModelStatus(StrEnum):
    """Whether a model can answer."""

    READY = "ready"
    MISSING = "no weights yet"
    REFUSED = "refused"
    FAILED = "failed"


class Decision(StrEnum):
    """A model's answer at its stored threshold."""

    FINDING = "finding"
    CLEAR = "clear"


@dataclass(frozen=True)
class ModelState:
    """State of one model slot: shown on Home, the Review page and by the API."""

    system: str
    name: str
    title: str
    role: str
    status: ModelStatus
    reason: str = ""
    card: ModelCard | None = None


@dataclass(frozen=True, eq=False)
class ModelResult:
    """All that one model said about one series.

    Attributes:
        state: model and card; when its status is not ``READY`` every array is ``None``.
        raw, calibrated: ``(slices, classes)`` probabilities that sum to 1 over classes; ``calibrated`` is after
            temperature scaling.
        finding: ``(slices,)`` calibrated probability of a finding (sum over the positive classes).
        mask: bool ``(slices, height, width)`` on the image grid; ``None`` for classifiers.
        gated: ``(slices,)`` true where the gate model said "clear", so that the mask was withheld.
        seconds: time the forward passes took, per slice.
        mask_probability: float16, shaped as ``mask``, before the mask threshold; 0 where the mask is withheld.
    """

    state: ModelState
    raw: np.ndarray | None = None
    calibrated: np.ndarray | None = None
    finding: np.ndarray | None = None
    mask: np.ndarray | None = None
    gated: np.ndarray | None = None
    seconds: float = 0.0
    mask_probability: np.ndarray | None = None

    @property
    def threshold(self) -> float | None:
        """Stored operating point on the calibrated probability of a finding."""
        return self.state.card.threshold.value if self.state.card else None

    def decision(self, index: int) -> Decision | None:
        """Answer on one slice; ``None`` when the model is not ready."""
        if self.finding is None or self.state.card is None:
            return None
        return Decision.FINDING if self.finding[index] >= self.state.card.threshold.value else Decision.CLEAR


@dataclass(frozen=True)
class Flag:
    """A disagreement or a warning that deserves a look. ``kind`` is a short stable code."""

    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class Review:
    """Everything the models of a system said about one series.

    ``peak`` is the most suspicious slice (highest mean probability of a finding over the ready models).
    ``flags`` holds, per slice, what disagrees there; ``warnings`` concern the whole series.
    """

    study_sha256: str
    system: str
    series_key: str
    results: tuple[ModelResult, ...]
    peak: int
    warnings: tuple[Flag, ...] = ()

    @property
    def ready(self) -> tuple[ModelResult, ...]:
        """Results of the models that answered."""
        return tuple(r for r in self.results if r.finding is not None)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Where a model looked on one slice.

    Attributes:
        values: float32 ``(height, width)`` on the image grid, in [0, 1].
        peak: largest value before normalising to [0, 1]; 0 means that nothing spoke for the class.
        error: why there is no map; then ``values`` is ``None``.
    """

    model: str
    slice_index: int
    target: str
    method: str
    values: np.ndarray | None
    peak: float = 0.0
    seconds: float = 0.0
    error: str = ""
