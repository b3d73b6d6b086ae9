"""Two answers about one place, on its PET slice and on its MR or CT slice, made one; and what that is worth.

``weights/mr-pet/fusion.json`` holds the rule for the two models it names, calibrated on validation pairs, and its
figures on test pairs; ``fusion-ct.json`` likewise that for PET and CT. Each is valid for the very weights and versions
it was made with, since it mixes calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are loaded where they are first used: the first page of a server needs none
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import ModelUnavailableError
from core.imaging.study import Modality
from core.weights.card import Metric, ModelCard, Temperature, Threshold
from core.weights.sealed import Sealed

FUSION = {Modality.MR: "fusion.json", Modality.CT: "fusion-ct.json"}  # by what is read beside PET


class Difference(BaseModel):
    """AUC of the fused answer less that of one model on the same pairs, by a paired bootstrap over the groups."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: float
    low: float
    high: float
    p: float


class Fusion(Sealed):
    """The rule and its figures; see the module docstring.

    Attributes:
        pet, other: the models, by name.
        beside: the modality that is read beside PET.
        versions, weights_sha256: theirs, by name.
        other_weight: what the other modality's log-odds count, PET's counting 1.
        temperature: divides the mean of the log-odds.
        threshold: on the fused probability.
        metrics: on the test pairs, intervals by patient.
        differences: to each of the two models on the same pairs.
        date: of the measurement.
    """

    telling: ClassVar[frozenset[str]] = frozenset({"metrics", "differences", "date"})

    pet: str
    other: str
    beside: Modality = Modality.MR
    versions: dict[str, str]
    weights_sha256: dict[str, str]
    other_weight: float = Field(ge=0.01, le=100)
    temperature: Temperature = 1.0
    threshold: Threshold
    metrics: dict[str, Metric]
    differences: dict[str, Difference]
    date: str

    @model_validator(mode="after")
    def _names_its_models(self) -> Self:
        if not set(self.weights_sha256) == set(self.versions) == {self.pet, self.other}:
            raise ValueError("weights_sha256 and versions must name the two models that the rule is for")
        return self

    def fits(self, cards: Mapping[str, ModelCard]) -> bool:
        """Whether both models are there as they were when this was made."""
        made_with = {name: (sha256, self.versions[name]) for name, sha256 in self.weights_sha256.items()}
        return all(name in cards and cards[name].identity == one for name, one in made_with.items())

    def fused(self, pet: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Calibrated probability of a finding ``(N,)``; arguments as for :func:`fused`."""
        return fused(pet, other, self.other_weight, self.temperature)


def fused(pet: np.ndarray, other: np.ndarray, other_weight: float, temperature: float = 1.0) -> np.ndarray:
    """Weighted mean of two log-odds, as a probability.

    Args:
        pet, other: ``(N,)`` calibrated probabilities of a finding on the PET slices and the other slices of ``N``
            places.
        other_weight: of the other modality's log-odds, PET's having 1.
        temperature: divides the mean.
    """
    odds = np.stack([scipy.special.logit(np.clip(np.asarray(p, np.float64), 1e-6, 1 - 1e-6)) for p in (pet, other)])
    return np.asarray(scipy.special.expit(np.average(odds, axis=0, weights=(1.0, other_weight)) / temperature))


def load_fusion(folder: Path, beside: Modality = Modality.MR) -> Fusion | None:
    """The rule of ``weights/mr-pet`` for PET and one other modality; ``None`` where there is none.

    Raises:
        ModelUnavailableError: the file is no such rule.
    """
    path = folder / FUSION[beside]
    if not path.is_file():
        return None
    try:
        found = Fusion.load(path)
        if found.beside is not beside:
            raise ValueError(f"it is for PET and {found.beside}")
    except ValueError as error:
        raise ModelUnavailableError(
            f"{path.name} in {folder.name} cannot be read: {error}", "Make it again: python -m trainers fuse."
        ) from error
    return found
