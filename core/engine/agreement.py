"""What the models agree and disagree about on one slice, in words and as flags."""

from __future__ import annotations

import numpy as np

from core.engine.results import Decision, Flag, HeatMap, ModelResult, Review
from core.engine.vote import contradiction, headline, listed
from core.engine.words import short
from core.imaging.study import Series
from core.systems import system

OVERLAP = 0.1  # masks that share less than this Dice point at different places
SPREAD = 0.5  # probabilities further apart than this are a strong disagreement
NEIGHBOUR = 0.6  # a slice whose probability differs this much from both neighbours stands alone


def sentence(review: Review, index: int) -> str:
    """What the models say together on one slice: disagreement first, then agreement."""
    declared = system(review.system)
    vote = review.votes[index] if review.votes else review.vote
    return headline(vote, declared.finding, declared.clear, _mask_words(review.voting, index))


def _mask_words(ready: tuple[ModelResult, ...], index: int) -> str:
    drawn = [r.mask[index] for r in ready if r.mask is not None and not r.waits(index)]
    if len(drawn) < 2:
        return ""
    present = [m for m in drawn if m.any()]
    if not present:
        return "no mask is drawn"
    if len(present) < len(drawn):
        return f"{len(present)} of {len(drawn)} draw a mask"
    worst = min(_dice(a, b) for i, a in enumerate(present) for b in present[i + 1 :])
    return f"the masks agree (Dice {worst:.2f})" if worst >= 0.5 else f"the masks differ (Dice {worst:.2f})"


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def _short(r: ModelResult) -> str:
    return short(r.state.title)


def flags(review: Review, index: int, series: Series, heat_maps: tuple[HeatMap, ...] = ()) -> tuple[Flag, ...]:
    """Disagreements on one slice.

    Args:
        heat_maps: maps of this slice that exist already; each that explains a finding is held against the masks
            (what speaks for "no tumour" lies elsewhere by rights).
    """
    declared, ready, out = system(review.system), review.ready, []
    vote = review.votes[index] if review.votes else review.vote
    if vote.split:
        both = f"{listed(vote.yes)}: {declared.finding}; {listed(vote.no)}: {declared.clear}."
        out.append(Flag("models-disagree", both))
    if against := contradiction(vote, declared.finding, declared.clear):
        out.append(Flag("other-classes-contradict", against))
    if vote.spread is not None and vote.spread > SPREAD:
        out.append(Flag("wide-spread", f"The probabilities lie {vote.spread:.2f} apart."))
    for r in ready:
        out.extend(_mask_flags(r, index, declared.finding))
        if not series.apart and _alone(r, index):
            out.append(Flag("slice-stands-alone", f"{_short(r)}: both neighbouring slices say otherwise."))
    present = [r for r in ready if r.mask is not None and r.mask[index].any()]
    for i, a in enumerate(present):
        for b in present[i + 1 :]:
            assert a.mask is not None
            assert b.mask is not None
            if _dice(a.mask[index], b.mask[index]) < OVERLAP:
                out.append(Flag("masks-apart", f"{_short(a)} and {_short(b)} outline different places."))
    positive = {r.state.name: r.state.card.positive for r in ready if r.state.card is not None}
    spoken_for = tuple(h for h in heat_maps if h.target in positive.get(h.model, declared.positive))
    out.extend(_heat_flags(review, present, spoken_for, index))
    return tuple(out)


def _mask_flags(r: ModelResult, index: int, finding: str) -> list[Flag]:
    if r.mask is None:
        return []
    drawn = bool(r.mask[index].any())
    if r.gated is not None and r.gated[index]:
        if r.decision(index) is Decision.FINDING:
            return [
                Flag("gate-shut", f"{_short(r)} says {finding}, but its gate does not say so: the mask is withheld.")
            ]
        return []
    if r.decision(index) is Decision.FINDING and not drawn:
        return [Flag("empty-mask", f"{_short(r)} says {finding}, but outlines nothing: the empty mask vetoes.")]
    if r.decision(index) is Decision.CLEAR and drawn:
        return [Flag("mask-without-finding", f"{_short(r)} outlines something, but does not call it {finding}.")]
    return []


def _alone(r: ModelResult, index: int) -> bool:
    if r.finding is None or not 0 < index < len(r.finding) - 1:
        return False
    here, before, after = (float(r.finding[i]) for i in (index, index - 1, index + 1))
    return (here - before) * (here - after) > 0 and min(abs(here - before), abs(here - after)) > NEIGHBOUR


def _heat_flags(review: Review, present: list[ModelResult], heat_maps: tuple[HeatMap, ...], index: int) -> list[Flag]:
    titles = {r.state.name: _short(r) for r in review.results}
    out = []
    for heat in heat_maps:
        if heat.values is None or heat.slice_index != index or heat.peak <= 0:
            continue
        top = np.unravel_index(int(heat.values.argmax()), heat.values.shape)
        for r in present:
            assert r.mask is not None
            if not _near(r.mask[index], (int(top[0]), int(top[1]))):
                looked = titles.get(heat.model, heat.model)
                whose = "its own outline" if heat.model == r.state.name else f"the outline of {_short(r)}"
                out.append(Flag("heat-misses-mask", f"{looked}: its heat map peaks away from {whose}."))
    return out


def _near(mask: np.ndarray, point: tuple[int, int]) -> bool:
    """Whether a point lies in a mask or within a tenth of the image's diagonal of it.

    A heat map of a network with stride 32 cannot point more finely than that.
    """
    rows, columns = np.nonzero(mask)
    distance = np.hypot(rows - point[0], columns - point[1]).min()
    return bool(distance <= 0.1 * np.hypot(*mask.shape))


def two_stage(review: Review, index: int) -> str | None:
    """The two-stage reading of a slice: the classifier opens the gate, an empty mask vetoes; ``None`` without both."""
    for r in review.ready:
        gate_name = r.state.card.gate if r.state.card else None
        gate = next((g for g in review.ready if g.state.name == gate_name and g is not r), None)
        if gate is None or r.mask is None:
            continue
        if gate.waits(index) or r.waits(index):
            return None
        if gate.failed(index) or r.failed(index):
            return f"{_short(gate if gate.failed(index) else r)} gave no answer here."
        if gate.decision(index) is Decision.CLEAR:
            return f"{_short(gate)} says no, so {_short(r)} was not asked for a mask."
        if not r.mask[index].any():
            return f"{_short(gate)} says yes, but {_short(r)} outlines nothing: the empty mask vetoes."
        return f"{_short(gate)} says yes and {_short(r)} outlines it."
    return None
