"""How long a model takes on this machine, one image at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.engine.predict import predict_series
from core.imaging.study import Series
from core.simulate import phantom
from core.systems import adapt, system
from core.weights.card import ModelCard
from core.weights.store import WEIGHTS, load_model

WARM_UPS = 2


@dataclass(frozen=True)
class Timing:
    """Milliseconds from pixels to answer, preprocessing and test-time flips included.

    Attributes:
        median_ms, shortest_ms, longest_ms: of ``repeats`` images, after two that do not count.
        input: channels, height, width. weight_bytes: of the weight file.
    """

    median_ms: float
    shortest_ms: float
    longest_ms: float
    repeats: int
    input: tuple[int, int, int]
    parameters: int
    weight_bytes: int


def sample(card: ModelCard) -> Series:
    """A simulated slice that the model reads."""
    drawn = phantom(card.system, 1, modality=card.contract.modality or "PT")
    return adapt(drawn.series, system(card.system))


def time_model(folder: Path, *, repeats: int) -> Timing:
    """Time one model.

    Raises:
        ModelUnavailableError: it is not installed, or refused.
    """
    net, card = load_model(folder)
    series = sample(card)
    seconds = [predict_series(net, card, series, indices=[0]).seconds for _ in range(WARM_UPS + repeats)][WARM_UPS:]
    times = 1000 * np.array(seconds)
    return Timing(
        median_ms=float(np.median(times)),
        shortest_ms=float(times.min()),
        longest_ms=float(times.max()),
        repeats=repeats,
        input=(card.contract.channels, card.contract.height, card.contract.width),
        parameters=card.parameters,
        weight_bytes=(folder / WEIGHTS).stat().st_size,
    )
