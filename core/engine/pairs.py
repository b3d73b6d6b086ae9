"""One place on PET and on MR or CT: both slices read, the two answers made one.

CT is read only as the partner of a PET slice. The wrong-image gate never learnt CT of soft tissue and refuses it as it
refuses any image that is not the system's own, so it is not asked about such a CT: what has passed it is the PET, and
the CT must lie where the PET lies.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from core.engine.pair import Pair, PairAnswer
from core.engine.predict import predict_series
from core.engine.results import GateVerdict, ModelState
from core.engine.shelf import Loaded
from core.errors import ContractError, ModelUnavailableError, NotFiniteError, OverreadError
from core.imaging.places import Partner, partner
from core.imaging.study import Modality, Series, Study
from core.weights.answers import finding_probability, probabilities
from core.weights.fusion import FUSION, Fusion, load_fusion


class Models(Protocol):
    """What reading a pair needs of :class:`core.engine.engine.Engine`."""

    weights: Path

    def states(self, system_name: str | None = None) -> tuple[ModelState, ...]:
        """State of every model."""

    def loaded(self, system_name: str, model: str) -> Loaded:
        """A model with its lock."""

    def verdict(self, system_name: str, series: Series) -> GateVerdict:
        """What the wrong-image gate says about a series."""


def rule_for(engine: Models, system_name: str, beside: Modality = Modality.MR) -> Fusion | None:
    """The system's rule for fusing PET and one other modality.

    Returns:
        ``None`` where it has none, or none for the weights installed.

    Raises:
        ModelUnavailableError: the rule cannot be read.
    """
    rule = load_fusion(engine.weights / system_name, beside)
    if rule is None:
        return None
    cards = {s.name: s.card for s in engine.states(system_name) if s.card is not None}
    return rule if rule.fits(cards) else None


def pair_at(
    engine: Models,
    study: Study,
    system_name: str,
    series_index: int,
    slice_index: int,
    beside: Modality = Modality.MR,
) -> Pair | None:
    """A slice read with its partner on the other modality.

    Args:
        beside: what is read together with PET, whichever of the two the slice is of.

    Returns:
        ``None`` for a study of one modality, or a system without a rule for two; a pair without an answer, and the
        reason, where the place or the answer is missing.
    """
    try:
        if rule_for(engine, system_name, beside) is None:
            return None
        pet = study.series[series_index].modality is Modality.PT
        if not pet and study.series[series_index].modality is not beside:
            return None
        other = partner(study, series_index, slice_index, beside if pet else Modality.PT)
        if other is None:
            return None
        if isinstance(other, str):
            return Pair(slice_index, reason=other)
    except OverreadError as error:
        return Pair(slice_index, reason=str(error))
    try:
        return Pair(slice_index, other, read_pair(engine, study, system_name, series_index, slice_index, other))
    except OverreadError as error:
        return Pair(slice_index, other, reason=str(error))


def read_pair(
    engine: Models,
    study: Study,
    system_name: str,
    series_index: int,
    slice_index: int,
    other: Partner,
    *,
    overruled: bool = False,
) -> PairAnswer:
    """Ask the models of both modalities about one place, each on its own slice; which two, the series tell.

    Args:
        series_index, slice_index: one of the two slices. other: its partner, see :func:`core.imaging.places.partner`.
        overruled: the reviewer has overruled the wrong-image gate for the other series; it is not asked.

    Raises:
        ModelUnavailableError: a model or the rule is not there.
        ContractError: the other series is not what the system reads, or a model cannot read its slice.
    """
    kinds = [study.series[index].modality for index in (series_index, other.series_index)]
    beside = next((kind for kind in kinds if kind is not Modality.PT), Modality.MR)
    if Modality.PT not in kinds or beside not in FUSION:
        raise ContractError(
            f"{' and '.join(kinds)} are not read together.", "Choose a PET series and one at the same place."
        )
    rule = rule_for(engine, system_name, beside)
    if rule is None:
        raise ModelUnavailableError(
            "There is no rule for reading both modalities with the models installed.", "Run: python -m trainers fuse."
        )
    second = study.series[other.series_index]
    if kinds[1] is not Modality.CT and not overruled and engine.verdict(system_name, second).stopped:
        raise ContractError(
            f"{second.description} is not an image that this system reads.",
            "Open that series to see why, and overrule there if it is.",
        )
    answers = {}
    for series, index in ((series_index, slice_index), (other.series_index, other.slice_index)):
        name = rule.pet if study.series[series].modality is Modality.PT else rule.other
        loaded = engine.loaded(system_name, name)
        with loaded.lock:
            predicted = predict_series(loaded.net, loaded.card, study.series[series], indices=[index])
        answers[name] = finding_probability(probabilities(predicted.logits, loaded.card.temperature), loaded.card)
    pet, beyond = answers[rule.pet], answers[rule.other]
    if not (np.isfinite(pet).all() and np.isfinite(beyond).all()):
        raise NotFiniteError("One of the two answers is not a finite number.", "Choose another slice.")
    return PairAnswer(float(pet[0]), float(beyond[0]), float(rule.fused(pet, beyond)[0]), rule)
