"""How long a model takes on this machine, one image at a time."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.engine.predict import predict_series
from core.imaging.study import Modality, Series, Unit
from core.simulate import DRAWINGS, phantom
from core.systems import adapt, system
from core.weights.card import ModelCard
from core.weights.folder import WEIGHTS
from core.weights.store import load_model

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
    """A simulated slice that the model reads; noise where no scans of its system and modality are drawn."""
    if card.system not in DRAWINGS or card.contract.modality not in (None, Modality.PT, Modality.MR):
        return _noise(card)
    drawn = phantom(card.system, 1, modality=card.contract.modality or "PT")
    return adapt(drawn.series, system(card.system))


def _noise(card: ModelCard) -> Series:
    side = (1, card.contract.height, card.contract.width)
    grey = np.random.default_rng(1).integers(0, 256, side).astype(np.float32)
    modality = card.contract.modality or Modality.UNKNOWN
    plain = Series("noise", "noise", grey, unit=Unit.GREY, modality=modality, value_range=(0.0, 255.0))
    return adapt(plain, system(card.system))


def machine_name() -> str:
    """The processor by its own name where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def time_model(folder: Path, *, repeats: int, clock: Callable[[], float] = time.perf_counter) -> Timing:
    """Time one model.

    Args:
        repeats: images that count. clock: seconds; ``time.process_time`` with one thread tells how long the model would
            take alone, on a machine that is busy with other work.

    Raises:
        ModelUnavailableError: it is not installed, or refused.
    """
    net, card = load_model(folder)
    series = sample(card)
    marks = [clock()]
    for _ in range(WARM_UPS + repeats):
        predict_series(net, card, series, indices=[0])
        marks.append(clock())
    times = 1000 * np.diff(marks)[WARM_UPS:]
    return Timing(
        median_ms=float(np.median(times)),
        shortest_ms=float(times.min()),
        longest_ms=float(times.max()),
        repeats=repeats,
        input=(card.contract.channels, card.contract.height, card.contract.width),
        parameters=card.parameters,
        weight_bytes=(folder / WEIGHTS).stat().st_size,
    )
