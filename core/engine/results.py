"""What the engine answers: plain values, ready for a page, a report or the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from core.engine import ensemble
from core.engine.decision import Decision, decide
from core.engine.ensemble import EnsembleAnswer
from core.engine.pair import Pair
from core.engine.triage import LEVEL, Sorted, triage
from core.engine.vote import NO_VOTE, Voice, Vote, count, voice, voters
from core.weights.card import ModelCard
from core.weights.exported.manifest import Link
from core.weights.predictions import Evidence


class ModelStatus(StrEnum):
    """Whether a model can answer."""

    READY = "ready"
    MISSING = "no weights yet"
    REFUSED = "refused"
    UNFIT = "not for this image"  # by its input contract: another modality or unit
    FAILED = "failed"


@dataclass(frozen=True)
class ModelState:
    """State of one model slot, as Home and the Review page show it.

    Attributes:
        link: what answers for it. instead: why not its weights; empty when they do.
        compiled: whether OpenVINO's program of the weights computed the answer, and not PyTorch.
    """

    system: str
    name: str
    title: str
    role: str
    status: ModelStatus
    reason: str = ""
    card: ModelCard | None = None
    link: Link = Link.SAFETENSORS
    instead: str = ""
    compiled: bool = False

    @property
    def stands_in(self) -> str:
        """Which exported file answers, and why, as a clause; empty where the weights do."""
        return f"from the exported file {self.link.files[0]}, since: {self.instead}" if self.instead else ""


@dataclass(frozen=True, eq=False)
class ModelResult:
    """All that one model said about one series.

    Attributes:
        state: model and card; when its status is not ``READY`` every array is ``None``.
        raw, calibrated: ``(slices, classes)`` probabilities that sum to 1 over classes; ``calibrated`` is after
            temperature scaling.
        finding: ``(slices,)`` calibrated probability of a finding (sum over the positive classes). NaN, like the other
            two, on a slice on which the model failed: there is no answer there, and no mask.
        mask: bool ``(slices, height, width)`` on the image grid; ``None`` for classifiers.
        gated: ``(slices,)`` true where the gate model said "clear", so that the mask was withheld.
        seconds: time the forward passes took, per slice.
        mask_probability: float16, shaped as ``mask``, before the mask threshold; 0 where the mask is withheld.
        waiting: ``(slices,)`` true where the model is still to be asked: NaN in the arrays, and no failure; ``None``
            once there is nothing left to ask.
    """

    state: ModelState
    raw: np.ndarray | None = None
    calibrated: np.ndarray | None = None
    finding: np.ndarray | None = None
    mask: np.ndarray | None = None
    gated: np.ndarray | None = None
    seconds: float = 0.0
    mask_probability: np.ndarray | None = None
    waiting: np.ndarray | None = None

    @property
    def threshold(self) -> float | None:
        """Stored operating point on the calibrated probability of a finding."""
        return self.state.card.threshold.value if self.state.card else None

    @property
    def answered(self) -> np.ndarray:
        """bool ``(slices,)``: where there is an answer; empty when the model is not ready."""
        return np.zeros(0, bool) if self.finding is None else np.isfinite(self.finding)

    def failed(self, index: int) -> bool:
        """Whether the model was asked about a slice and gave no finite answer."""
        return self.finding is not None and not self.waits(index) and not bool(np.isfinite(self.finding[index]))

    def waits(self, index: int) -> bool:
        """Whether the model is still to be asked about a slice."""
        return self.waiting is not None and bool(self.waiting[index])

    def decision(self, index: int) -> Decision | None:
        """Answer on one slice; ``None`` when the model is not ready, failed there, or is still to be asked."""
        if self.finding is None or self.state.card is None or self.waits(index) or self.failed(index):
            return None
        return decide(float(self.finding[index]), self.state.card.threshold.value)


@dataclass(frozen=True)
class Flag:
    """A disagreement or a warning that deserves a look. ``kind`` is a short stable code."""

    kind: str
    text: str


class GateState(StrEnum):
    """What the wrong-image gate says about a series."""

    PASSED = "passed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class GateVerdict:
    """Whether a series is the kind of image that a system reads.

    Attributes:
        state: passed or stopped.
        reasons: why it was stopped; empty when it passed.
        kind, probability: what the router takes the image for and how surely; ``None`` without a router.
        strange: how far the image lies beyond the limit for good scans, in their quartile distances; above 0 is
            stopped; ``None`` without a router.
        own: kinds of images that the system reads.
        version: of the router; empty without one.
        evidence: what the limit rests on: share of good test scans stopped and AUROC, in words.
        unchecked: why only the rules were asked; empty when the router answered.
    """

    state: GateState
    reasons: tuple[Flag, ...] = ()
    kind: str | None = None
    probability: float | None = None
    strange: float | None = None
    own: tuple[str, ...] = ()
    version: str = ""
    evidence: str = ""
    unchecked: str = ""

    @property
    def stopped(self) -> bool:
        """True when nothing may be shown until somebody overrules."""
        return self.state is GateState.STOPPED


@dataclass(frozen=True, eq=False)
class Review:
    """Everything the models of a system said about one series; what they say together is decided here, once.

    Attributes:
        peak: the most suspicious slice, see :func:`most_suspicious`; of projections from several sides the front.
        warnings: concern the whole series.
        gate: whether the series is the kind of image that the system reads; who shows a review to a person asks
            :meth:`shown` for it. overruled: somebody has opened the gate.
        pair: the joint reading of PET and MR on the most suspicious slice; ``None`` where the study holds one of
            them or the system has no rule for two. pair_ct: likewise of PET and CT. The three are never fused.
        stored: predictions beside the weights, by model: what ensemble and triage rest on.
        votes, vote: what the models say together on every slice, and on the series.
        ensemble: the mean of the models that vote. triage: conformal sets. pedigree: the models' cards.
    """

    study_sha256: str
    system: str
    series_key: str
    results: tuple[ModelResult, ...]
    peak: int
    warnings: tuple[Flag, ...] = ()
    gate: GateVerdict | None = None
    overruled: bool = False
    pair: Pair | None = None
    pair_ct: Pair | None = None
    stored: Mapping[str, Evidence] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every model has been asked about every slice; only then do peak, ensemble and warnings stand."""
        return all(r.waiting is None for r in self.results)

    @property
    def held_back(self) -> bool:
        """Whether the gate has stopped the series and nobody has overruled it: then no answer may be shown."""
        return self.gate is not None and self.gate.stopped and not self.overruled

    def shown(self, *, overruled: bool) -> Review:
        """What may be shown: everything, or nothing that a model says while the gate's stop stands.

        Args:
            overruled: somebody has looked at what the gate says and overruled it for this series.
        """
        told = replace(self, overruled=overruled and self.gate is not None and self.gate.stopped)
        return told.withheld() if told.held_back else told

    def withheld(self) -> Review:
        """The same review without a single number, mask or choice of slice: which models there are, and the verdict."""
        slices = next((len(r.finding) for r in self.ready if r.finding is not None), 1)
        results = tuple(ModelResult(r.state) for r in self.results)
        return replace(self, results=results, peak=slices // 2, pair=None, pair_ct=None, stored={})

    @property
    def ready(self) -> tuple[ModelResult, ...]:
        """Results of the models that answered."""
        return tuple(r for r in self.results if r.finding is not None)

    @property
    def heard(self) -> frozenset[str]:
        """Names of the models that vote, whether or not they answered."""
        return frozenset(voters(self.pedigree))

    @property
    def voting(self) -> tuple[ModelResult, ...]:
        """Results of the models that answered and vote."""
        return voting(self.results)

    @cached_property
    def votes(self) -> tuple[Vote, ...]:
        """The vote on every slice; empty when no model answered."""
        slices = next((len(r.finding) for r in self.ready if r.finding is not None), 0)
        cards = cards_of(self.results)
        return tuple(count(cards, [_voice(r, index) for r in self.results]) for index in range(slices))

    @property
    def vote(self) -> Vote:
        """The vote on the series: that on its most suspicious slice, where the archive's scores are taken too."""
        return self.votes[self.peak] if self.votes else NO_VOTE

    @cached_property
    def ensemble(self) -> EnsembleAnswer | None:
        """The mean of the models that vote, at its own threshold; of those whose stored predictions are of the very
        version that answered."""
        findings = {r.state.name: r.finding for r in self.voting if r.finding is not None}
        if len(findings) < 2:  # before anything is read
            return None
        cards = cards_of(self.ready)
        mine = [e for e in self.stored.values() if e.card.name in findings]
        return ensemble.answer(findings, [e for e in mine if e.card.identity == cards[e.card.name].identity])

    def triage(self, index: int, level: float = LEVEL) -> dict[str, Sorted]:
        """Conformal sets on one slice, of the models whose stored predictions allow one; by name."""
        found = {}
        for r in self.ready:
            evidence, card = self.stored.get(r.state.name), r.state.card
            if evidence is not None and card is not None and r.calibrated is not None:
                found[r.state.name] = triage(evidence, card, r.calibrated[index], level)
        return {name: one for name, one in found.items() if one is not None}

    @property
    def pedigree(self) -> dict[str, ModelCard]:
        """What the models' numbers rest on: the cards of those that are installed, by name."""
        return cards_of(self.results)


def cards_of(results: Iterable[ModelResult]) -> dict[str, ModelCard]:
    """Cards of the models that are installed, by name."""
    return {r.state.name: r.state.card for r in results if r.state.card is not None}


def voting(results: Sequence[ModelResult]) -> tuple[ModelResult, ...]:
    """Results of the models that answered and vote (see :mod:`core.engine.vote`)."""
    heard = voters(cards_of(results))
    return tuple(r for r in results if r.finding is not None and r.state.name in heard)


def most_suspicious(results: Sequence[ModelResult], slices: int) -> int:
    """The slice with the highest mean probability of a finding over the models that vote; the middle one without any.

    Where none of the voters answered, those that did are asked. A model that failed on a slice is not counted there.
    """
    mean = mean_probability(voting(results) or [r for r in results if r.finding is not None])
    return slices // 2 if mean is None or not np.isfinite(mean).any() else int(np.nanargmax(mean))


def mean_probability(results: Sequence[ModelResult]) -> np.ndarray | None:
    """Mean probability of a finding ``(slices,)`` over the models that answered there; NaN where none did.

    Returns:
        ``None`` when no model answered anywhere.
    """
    found = [r.finding for r in results if r.finding is not None]
    if not found:
        return None
    given = np.ma.masked_invalid(np.stack(found))
    return np.asarray(given.mean(0).filled(np.nan))


def _voice(result: ModelResult, index: int) -> Voice:
    state = result.state
    failed = state.status is ModelStatus.FAILED or result.failed(index)
    silent = result.finding is None or failed or result.waits(index)
    finding = None if silent or result.finding is None else float(result.finding[index])
    return voice(state.name, state.title, finding, result.threshold, failed=failed)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Where a model looked on one slice.

    Attributes:
        values: float32 ``(height, width)`` on the image grid, in [0, 1]; 0 outside the patient's body.
        peak: largest value before normalising to [0, 1]; 0 means that nothing spoke for the class.
        error: why there is no map; then ``values`` is ``None``.
        brightness: how bright it may be drawn, 0 to 1, see :mod:`core.engine.heat_rules`.
        sure: the part of that which the answer accounts for, 0 to 1; the rest is how strong the map itself is.
    """

    model: str
    slice_index: int
    target: str
    method: str
    values: np.ndarray | None
    peak: float = 0.0
    seconds: float = 0.0
    error: str = ""
    brightness: float = 1.0
    sure: float = 1.0

    @property
    def drawn(self) -> np.ndarray | None:
        """The map as every surface draws it: by its brightness; ``None`` without one, or an empty one."""
        return None if self.values is None or self.peak <= 0 else self.values * np.float32(self.brightness)
