"""What a system's models say together, as the evidence of one more model: the ensemble, and two modalities fused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from core.engine.ensemble import Joined, ensemble, joined
from core.imaging.study import Modality
from core.weights.card import ModelCard, Threshold
from core.weights.fusion import Fusion
from core.weights.predictions import SPLITS, Evidence, Part

ENSEMBLE = "ensemble"
FUSION = {Modality.MR: "pet-and-mr", Modality.CT: "pet-and-ct"}  # by what is read beside PET
NAMES = frozenset({ENSEMBLE, *FUSION.values()})
_NEVER = 1e-9  # a probability of 0 or 1 has no logit


def ensemble_evidence(models: Sequence[Evidence]) -> Evidence | None:
    """The mean of the models that vote, on the images they share; ``None`` where there is no ensemble."""
    found = ensemble(models)
    if found is None:
        return None
    members = [next(m for m in models if m.card.name == name) for name in found.members]
    parts = {}
    card = _card(
        members[0].card,
        name=ENSEMBLE,
        title=f"Ensemble, mean of {len(members)} models",
        version=" + ".join(found.versions),
        threshold=Threshold.of(found.threshold, f"validation images that all {len(members)} share"),
        of=members,
    )
    for split in SPLITS:
        own = [part for m in members if (part := m.part(split)) is not None]
        shared = joined(own) if len(own) == len(members) else None
        if shared is not None:
            parts[split] = _part(card, split, shared, shared.finding)
    return Evidence(card, parts, _sha256(members))


def fusion_evidence(models: Sequence[Evidence], rule: Fusion | None, pairs: pd.DataFrame | None) -> Evidence | None:
    """The fused answer on pairs of slices at one place; ``None`` without a rule, or pairs, for these very models.

    Args:
        pairs: columns ``split``, ``group``, ``pet`` and ``other``: the two slices' identifiers, as predictions
            name them.
    """
    by_name = {m.card.name: m for m in models}
    if rule is None or pairs is None or not rule.fits({name: m.card for name, m in by_name.items()}):
        return None
    members = [by_name[rule.pet], by_name[rule.other]]
    card = _card(
        members[0].card,
        name=FUSION[rule.beside],
        title=f"PET and {rule.beside}, fused at one place",
        version=" + ".join(m.card.version for m in members),
        threshold=rule.threshold,
        of=members,
    )
    parts = {}
    for split in SPLITS:
        both = paired(members[0], members[1], pairs, split)
        if both is not None:
            parts[split] = _part(card, split, both, rule.fused(both.pet, both.other))
    return Evidence(card, parts, _sha256(members, rule.model_dump_json())) if parts else None


@dataclass(frozen=True, eq=False)
class Paired:
    """``(N,)`` pairs of slices at one place.

    Attributes:
        ids: of the PET slice and the other slice. groups: patients. truth: whether the tumour reaches either slice.
        pet, other: calibrated probability of a finding on each slice.
    """

    ids: np.ndarray
    groups: np.ndarray
    truth: np.ndarray
    pet: np.ndarray
    other: np.ndarray


def paired(pet: Evidence, other: Evidence, pairs: pd.DataFrame, split: str) -> Paired | None:
    """Answers on both slices of every pair of a split; ``None`` where one was not given, or no pair is left.

    Args:
        pet, other: what answered on the PET slices and on the other slices; a model of both modalities may be both.
    """
    first, second = pet.part(split), other.part(split)
    rows = pairs[pairs["split"] == split]
    if first is None or second is None or rows.empty:
        return None
    places = [{name: k for k, name in enumerate(part.ids)} for part in (first, second)]
    if not all(name in own for own, column in zip(places, ("pet", "other"), strict=True) for name in rows[column]):
        return None
    one, two = (np.array([own[name] for name in rows[c]]) for own, c in zip(places, ("pet", "other"), strict=True))
    ids = np.array([f"{a} + {b}" for a, b in zip(rows["pet"], rows["other"], strict=True)], dtype=object)
    truth = first.truth[one] | second.truth[two]
    return Paired(ids, rows["group"].to_numpy(dtype=object), truth, first.finding[one], second.finding[two])


def _card(
    like: ModelCard, *, name: str, title: str, version: str, threshold: Threshold, of: Sequence[Evidence]
) -> ModelCard:
    """A card for what has no weights of its own: the classes of its members, and nothing that only they know."""
    return like.model_copy(
        update={
            "name": name,
            "title": title,
            "version": version,
            "architecture": " + ".join(m.card.name for m in of),
            "role": "classifier",
            "temperature": 1.0,
            "threshold": threshold,
            "gate": None,
            "metrics": {},
            "baselines": {},
            "published": "",
            "limits": (),
            "parameters": sum(m.card.parameters for m in of),
            "weights_sha256": _sha256(of),
        }
    )


def _sha256(of: Sequence[Evidence], rule: str = "") -> str:
    return hashlib.sha256("".join((*(m.sha256 for m in of), rule)).encode()).hexdigest()


def _part(card: ModelCard, split: str, of: Joined | Paired, finding: np.ndarray) -> Part:
    positive = card.classes.index(card.positive[0])
    return Part(
        card=card,
        split=split,
        ids=of.ids,
        groups=of.groups,
        classes=np.where(of.truth, positive, 1 - positive).astype(np.intp),
        truth=of.truth,
        logits=logit(np.clip(finding, _NEVER, 1 - _NEVER))[:, None],
    )
