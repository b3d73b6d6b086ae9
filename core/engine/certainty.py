"""How far to trust an answer, in words: how near the models lie, and whether small changes of the slice move them."""

from __future__ import annotations

import numpy as np

from core.engine.results import ModelResult
from core.engine.uncertainty import Spread, Uncertainty
from core.engine.vote import Vote
from core.engine.words import probability, short_titles
from core.imaging.study import Turned
from core.imaging.turning import STEP

CLOSE = 0.1  # models whose probabilities scatter by no more than this lie close together


def between(vote: Vote) -> str:
    """How far the models that vote lie apart on one slice, in a sentence."""
    findings = np.array([v.probability for v in vote.counted if v.probability is not None])
    if len(findings) < 2:
        return "One model answers this question: there is no other to differ from."
    low, high, deviation = probability(float(findings.min())), probability(float(findings.max())), findings.std(ddof=1)
    lead = "The models lie close together" if deviation <= CLOSE else "The models lie apart"
    return f"{lead}: {low} to {high} (standard deviation {deviation:.2f} over {len(findings)} models)."


def steadiness(found: Uncertainty) -> str:
    """Whether small changes of the slice move an answer, in a sentence."""
    if not found.spreads:
        return "Whether small changes of the slice move the answer could not be tested."
    short = short_titles([s.title for s in found.spreads])
    turned = [s for s in found.spreads if s.flips]
    if turned:
        told = "; ".join(f"{short[s.title]} {_range(s)}, threshold {probability(s.threshold)}" for s in turned)
        return f"Not steady: small changes of the slice turn the answer ({told})."
    widest = max(found.spreads, key=lambda s: s.high - s.low)
    told = f"{short[widest.title]} {_range(widest)}"
    if not widest.steady:
        return f"The answers stand under small changes of the slice, but the probability moves ({told})."
    return f"Steady: small changes of the slice move no answer (widest: {told})."


def round_about(result: ModelResult, turned: Turned) -> str:
    """What a model says over all views of a volume, beside its answer, which is the front's; empty before it has."""
    if result.finding is None or result.waiting is not None or not np.isfinite(result.finding).all():
        return ""
    near = result.finding[[0, 1, -1]]  # the last view is, mirrored, that of the other side of the front
    step = turned.angles[1]

    def span(some: np.ndarray) -> str:
        return f"{probability(float(some.min()))} to {probability(float(some.max()))}"

    return f"front ±{step:g}° {span(near)}; all {len(turned.angles)} sides {span(result.finding)}"


def beside(found: Uncertainty) -> str:
    """How far the answers move when a projection is seen from a little further round, in a sentence; else empty."""
    turned = [s for s in found.spreads if s.sides]
    if not turned:
        return ""
    short = short_titles([s.title for s in found.spreads])
    told = []
    for one in turned:
        every = np.array([one.finding[0], *one.beside])
        low, high = probability(float(every.min())), probability(float(every.max()))
        crossed = every.min() < one.threshold <= every.max()
        told.append(f"{short[one.title]} {low} to {high}" + (", which turns its answer" if crossed else ""))
    return f"Seen from {STEP:g}° further left and right: {'; '.join(told)}."


def _range(spread: Spread) -> str:
    return f"{probability(spread.low)} to {probability(spread.high)}"
