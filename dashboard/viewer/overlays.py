"""What lies over a picture: masks of models, the truth, results of foreign algorithms, heat maps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from core.imaging.render import AI_RESULT_COLOUR, MODEL_COLOURS, MODEL_DASHES, TRUTH_COLOUR
from dashboard.viewer import packing, shelf


class Kind(StrEnum):
    """Whose an overlay is; decides how it is told apart without colour."""

    MODEL = "model"
    TRUTH = "truth"
    AI = "ai"
    HEAT = "heat"


LINES = tuple(zip(MODEL_COLOURS, MODEL_DASHES, strict=True))  # one colour and one line a model
TRUTH_DASH = (9, 7)
AI_DASH = (2, 6)


class NotYetError(Exception):
    """A slice has no heat map so far: it was not answered."""


@dataclass(frozen=True, eq=False)
class HeatMaps:
    """A heat map for every slice, worked out when the browser asks for one.

    Attributes:
        of: gives the map of a slice, float32 ``(height, width)`` in [0, 1]; ``None`` where there is none to be drawn.
            Called in any thread. Raises :class:`NotYetError`.
        about: what they are about; the client keeps those it has while this stays.
    """

    of: Callable[[int], np.ndarray | None]
    about: str


@dataclass(frozen=True, eq=False)
class Overlay:
    """One overlay.

    Attributes:
        id: the same for the same overlay from run to run.
        name: what to call it.
        kind: whose it is.
        mask: bool ``(slices, height, width)`` on the image grid, for all kinds but heat maps.
        heat: for a heat map, those of the slices.
        colour: red, green, blue, 0 to 255.
        dash: lengths of strokes and gaps in pixels; empty is a solid line.
        opacity: of a heat map at its highest, or of the area inside an outline; 0 to 1.
        on: whether it is shown; the reader's own switch in the viewer holds until this changes.
        scale: what 1 in a heat map is drawn as, 0 to 1: below 1 the whole map is darker, as its answer is.
    """

    id: str
    name: str
    kind: Kind
    mask: np.ndarray | None = None
    heat: HeatMaps | None = None
    colour: tuple[int, int, int] = LINES[0][0]
    dash: tuple[int, ...] = ()
    opacity: float = 0.0
    on: bool = False
    scale: float = 1.0

    def __post_init__(self) -> None:
        if (self.mask is None) == (self.heat is None) or (self.kind is Kind.HEAT) != (self.mask is None):
            raise ValueError("An Overlay has heat maps if it is of the kind HEAT, and a mask otherwise.")


def line_of(number: int) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Colour and line of the ``number``-th model of a system, wherever it is drawn."""
    return LINES[number % len(LINES)]


def gradient(colour: tuple[int, int, int], dash: tuple[int, ...]) -> str:
    """A line as the background of a narrow box, in CSS."""
    shade, at, stops = f"rgb({', '.join(str(c) for c in colour)})", 0, []
    for n, length in enumerate(dash or (1,)):
        stops.append(f"{'transparent' if n % 2 else shade} {at}px {at + length}px")
        at += length
    return f"repeating-linear-gradient(90deg, {', '.join(stops)})"


def of_model(number: int, id: str, name: str, mask: np.ndarray, *, on: bool = False, opacity: float = 0.0) -> Overlay:
    """Mask of the ``number``-th model, in its own colour and line."""
    colour, dash = line_of(number)
    return Overlay(id, name, Kind.MODEL, mask, colour=colour, dash=dash, on=on, opacity=opacity)


def of_truth(mask: np.ndarray, *, on: bool = False) -> Overlay:
    """The reference drawn by people: red, dashed."""
    return Overlay("truth", "truth", Kind.TRUTH, mask, colour=TRUTH_COLOUR, dash=TRUTH_DASH, on=on)


def of_ai_result(mask: np.ndarray, *, on: bool = False) -> Overlay:
    """A mask that an algorithm drew and that came with the images: light blue, dotted."""
    return Overlay("ai-result", "AI result in the file", Kind.AI, mask, colour=AI_RESULT_COLOUR, dash=AI_DASH, on=on)


def offered(overlay: Overlay, held: shelf.Shelf, address: str, slices: int) -> dict[str, Any]:
    """What the client is told of an overlay; its numbers are offered under an address of their own.

    Args:
        slices: of the series.
    """
    if overlay.mask is not None:
        one = held.mask(overlay.id, overlay.mask)
    else:
        assert overlay.heat is not None
        about = hashlib.sha256(overlay.heat.about.encode()).hexdigest()[:16]
        one = held.asked("heat", overlay.id, about, _heat_of(overlay.heat, slices))
    return {
        "id": overlay.id,
        "name": overlay.name,
        "kind": str(overlay.kind),
        "colour": list(overlay.colour),
        "dash": list(overlay.dash),
        "opacity": overlay.opacity,
        "on": overlay.on,
        "scale": overlay.scale,
        "url": f"{address}/{one.token}",
        "digest": one.digest,
    }


def _heat_of(maps: HeatMaps, slices: int) -> Callable[[str], bytes | None]:
    """Parts of heat maps: the slices' numbers. A slice without one has no bytes."""

    def part(name: str) -> bytes | None:
        index = shelf.number(name, slices)
        if index is None:
            return None
        try:
            values = maps.of(index)
        except NotYetError:
            return shelf.NOT_YET
        return packing.squeezed(np.zeros(0, np.uint8)) if values is None else packing.heat_bytes(values)

    return part
