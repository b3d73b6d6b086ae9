"""How suspicious each slice of a series is to each model, for the client's slice bar: fetched while answers come."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.viewer import overlays, packing, shelf


@dataclass(frozen=True, eq=False)
class Along:
    """One model along the stack.

    Attributes:
        number: of the model in its system, which decides its colour and line. name: short.
        probability: of a finding, float ``(slices,)``; NaN where there is no answer.
        waits: bool ``(slices,)``, where the model is still to be asked.
        threshold: from which probability on it says finding; ``None`` without one.
    """

    number: int
    name: str
    probability: np.ndarray
    waits: np.ndarray
    threshold: float | None


@dataclass(frozen=True, eq=False)
class Suspicion:
    """What the slice bar shows.

    Attributes:
        now: what the models have said so far, and whether more is to come. Called in any thread.
        about: what it is about; while this stays the address does.
    """

    now: Callable[[], tuple[Sequence[Along], bool]]
    about: str


def offered(found: Suspicion, held: shelf.Shelf, address: str) -> dict[str, Any]:
    """What the client is told: where to ask."""
    one = held.asked("suspicion", "along", found.about, lambda part: _said(found) if part == "now" else None)
    return {"url": f"{address}/{one.token}/now"}


def _said(found: Suspicion) -> bytes:
    models, more = found.now()
    told = {"more": more, "models": [_one(model) for model in models]}
    return gzip.compress(json.dumps(told, allow_nan=False).encode(), packing.LEVEL, mtime=0)


def _one(model: Along) -> dict[str, Any]:
    colour, dash = overlays.line_of(model.number)
    return {
        "name": model.name,
        "colour": colour,
        "dash": dash,
        "threshold": model.threshold,
        "values": [round(float(p), 4) if np.isfinite(p) else None for p in model.probability],
        "waits": [bool(one) for one in model.waits],
    }
