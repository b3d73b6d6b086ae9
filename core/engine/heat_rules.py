"""When a heat map is shown, how bright it may be, and what it is worth on this slice.

A method is shown by default only where it passed its test on validation patients of the very weights. A map is as
bright as the answer it explains is sure: one behind an answer of 0.02 stays dark, whatever its own maximum. One that
peaks lower than maps of that method do on findings is fainter, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.engine.results import HeatMap, ModelResult, Review
from core.engine.words import short
from core.explain.faithfulness import body_of
from core.explain.pointing import point
from core.imaging.study import Series
from core.weights.heat_checks import HeatChecks

FULL = 0.995  # of a share: what is told as 100 %
ANYWAY = "grad-cam"  # what is drawn where somebody wants to see maps that passed no test


@dataclass(frozen=True)
class HeatRule:
    """How a model's maps may be shown.

    Attributes:
        method: the method to begin with.
        passed: it passed its test; otherwise it is shown only to who asks, with ``reason``.
        reason: why no method passed; empty where one did.
    """

    method: str
    passed: bool
    reason: str = ""


def heat_rule(checks: HeatChecks | None) -> HeatRule:
    """The rule for a model: its best tested method, or why there is none."""
    if checks is None:
        return HeatRule(ANYWAY, False, "Its heat maps have not been tested on validation patients.")
    best = checks.best
    if best is not None:
        return HeatRule(best, True)
    found = dict.fromkeys(text for one in checks.methods.values() for text in one.failings)
    why = "; ".join(found) or "nothing could be held against them"
    where = f"{checks.slices} slices of {checks.groups} validation patients"
    return HeatRule(ANYWAY, False, f"Its heat maps failed their test on {where}: {why}.")


def brightness(heat: HeatMap, result: ModelResult, checks: HeatChecks | None) -> float:
    """How bright a map may be drawn, from 0 (dark) to 1.

    The share of the threshold that the answer reaches, 1 from the threshold on; and, where a reference is known, the
    share of the map's peak in the median peak on validation slices with a finding that the model calls one.
    """
    if heat.values is None or heat.peak <= 0:
        return 0.0
    card, tested = result.state.card, checks.methods.get(heat.method) if checks is not None else None
    reference = tested.peak if tested is not None and card is not None and heat.target in card.positive else None
    return _sure(heat, result) * (min(heat.peak / reference, 1.0) if reference else 1.0)


def _sure(heat: HeatMap, result: ModelResult) -> float:
    """The share of the threshold that the answer reaches, at most 1; of even odds for a class without a threshold."""
    card, index = result.state.card, heat.slice_index
    if card is None or result.finding is None or result.calibrated is None:
        return 0.0
    if heat.target in card.positive:
        answer, needed = float(result.finding[index]), card.threshold.value
    else:
        answer, needed = float(result.calibrated[index][card.classes.index(heat.target)]), 0.5
    if not np.isfinite(answer):
        return 0.0
    return min(answer / needed, 1.0) if needed > 0 else 1.0


def lit(heat: HeatMap, result: ModelResult, checks: HeatChecks | None) -> HeatMap:
    """A map with its brightness."""
    return replace(heat, brightness=brightness(heat, result, checks), sure=_sure(heat, result))


def brightness_words(heat: HeatMap) -> str:
    """How bright a map is drawn, and by what: a faint map behind a sure answer is not an unsure answer."""
    strong = min(heat.brightness / heat.sure, 1.0) if heat.sure > 0 else 0.0
    faint = [f"the answer reaches {heat.sure:.0%} of what would be a yes"] if heat.sure < FULL else []
    if heat.sure > 0 and strong < FULL:
        faint.append(f"what it marks speaks {strong:.0%} as strongly as it usually does behind a finding")
    return f"drawn at {heat.brightness:.0%} brightness" + (f": {', and '.join(faint)}" if faint else "")


def in_body(values: NDArray[np.float32], series: Series, index: int) -> NDArray[np.float32]:
    """A map ``(H, W)`` on the image grid without what lies outside the patient."""
    plane = series.pixels[index : index + 1]
    if not np.isfinite(plane).all():
        return values
    return np.where(body_of(plane), values, np.float32(0))


class HeatVerdict(StrEnum):
    """What a map is worth on one slice, held against an outline."""

    HITS = "hits"
    MISSES = "misses"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True)
class HeatWorth:
    """A verdict in words."""

    verdict: HeatVerdict
    text: str


def worth(heat: HeatMap, review: Review, series: Series) -> HeatWorth:
    """Whether a map's hottest point lies in the truth, else in the model's own outline, else in another model's.

    Within the tolerance of the pointing game (:data:`core.explain.pointing.TOLERANCE`) it counts as a hit.
    """
    if heat.values is None or heat.peak <= 0 or float(heat.values.max()) <= 0:
        return HeatWorth(HeatVerdict.UNKNOWN, "Cannot be told: the map is empty.")
    mask, whose = _held_against(heat, review, series)
    found = None if mask is None else point(heat.values, mask)
    if found is None:
        return HeatWorth(HeatVerdict.UNKNOWN, "Cannot be told: nothing is outlined on this slice.")
    if found.hit:
        return HeatWorth(HeatVerdict.HITS, f"Hits {whose}.")
    return HeatWorth(HeatVerdict.MISSES, f"Misses {whose}, by {found.distance:.0%} of the picture.")


def _held_against(heat: HeatMap, review: Review, series: Series) -> tuple[NDArray[np.bool_] | None, str]:
    index = heat.slice_index
    if series.truth is not None:
        return (series.truth[index], "the truth") if series.truth[index].any() else (None, "")
    drawn = [r for r in review.ready if r.mask is not None and not r.waits(index) and r.mask[index].any()]
    own = next((r for r in drawn if r.state.name == heat.model), None)
    if own is not None and own.mask is not None:
        return own.mask[index], "its own outline"
    for other in drawn:
        if other.mask is not None:
            return other.mask[index], f"the outline of {short(other.state.title)}"
    return None, ""
