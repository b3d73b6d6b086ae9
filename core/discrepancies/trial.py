"""Wrong labels planted on purpose: how many of them a ranking brings to the top, beside simpler rankings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from cleanlab.rank import get_label_quality_scores
from numpy.typing import ArrayLike, NDArray

from core.discrepancies.profile import CLIP, Floats, Profiles
from core.discrepancies.ranking import CaseEvidence, Settings, rank_discrepancies
from core.errors import DiscrepancyError

DECILE = 0.1  # part of the list that is looked at
FEWEST_PATIENTS = 5
METHODS = ("ours", "cleanlab", "loss", "chance")


@dataclass(frozen=True)
class Found:
    """Planted labels among the first images of a ranking.

    Attributes:
        share: found / planted. precision: found / length of the list's top. count: found; fractional for chance.
    """

    share: float
    precision: float
    count: float


def plant(groups: Sequence[str] | ArrayLike, share: float, seed: int) -> NDArray[np.bool_]:
    """Choose whole patients at random until about ``share`` of the images are wrong.

    Patients are drawn in random order and taken while they fit, so that no more is planted than the top of a list of
    that share holds and a perfect ranking finds all; a patient with more images than that is never drawn.

    Args:
        groups: ``(N,)`` patients. share: in (0, 0.5). seed: of the draw.

    Returns:
        bool ``(N,)``.

    Raises:
        DiscrepancyError: fewer than five patients, or patients so large that not half of the share fits.
    """
    if not 0 < share < 0.5:
        raise DiscrepancyError(f"A share of {share} cannot be planted.", "Plant more than 0 and less than 0.5.")
    names, code, size = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    most = math.ceil(share * len(code))
    if len(names) < FEWEST_PATIENTS:
        raise DiscrepancyError(
            f"{len(names)} patients are too few to plant wrong labels by patient.", f"Give at least {FEWEST_PATIENTS}."
        )
    chosen, total = np.zeros(len(names), dtype=bool), 0
    for patient in np.random.default_rng(seed).permutation(len(names)):
        if total + size[patient] <= most:
            chosen[patient], total = True, total + size[patient]
    if 2 * total < most:
        raise DiscrepancyError(
            f"Only {total} of {most} labels can be planted: the {len(names)} patients have too many images each.",
            "Give more patients, or plant a larger share.",
        )
    return np.asarray(chosen[code])


def found_at_top(order: NDArray[np.intp], planted: NDArray[np.bool_], part: float = DECILE) -> Found:
    """Count planted labels among the first ``ceil(part * N)`` images of an order (row numbers, worst first)."""
    top = math.ceil(part * len(planted))
    count = int(planted[order[:top]].sum())
    return Found(count / max(int(planted.sum()), 1), count / max(top, 1), count)


def expected_by_chance(planted: NDArray[np.bool_], part: float = DECILE) -> Found:
    """What a random order finds on average."""
    top = math.ceil(part * len(planted))
    count = top * float(planted.mean())
    return Found(top / len(planted), count / max(top, 1), count)


def mean_probability(probabilities: Mapping[str, ArrayLike]) -> Floats:
    """``(N,)`` mean over the models that answered; 0.5 where none did."""
    p = np.stack([np.asarray(v, dtype=np.float64) for v in probabilities.values()], 1)
    answered = (~np.isnan(p)).sum(1)
    return np.where(answered > 0, np.nansum(p, 1) / np.maximum(answered, 1), 0.5)


def loss(probability: Floats, recorded: NDArray[np.bool_]) -> Floats:
    """Cross-entropy of the recorded label in nats."""
    return -np.log(np.clip(np.where(recorded, probability, 1 - probability), CLIP, 1))


def label_quality(probability: Floats, recorded: NDArray[np.bool_], *, adjusted: bool = False) -> Floats:
    """cleanlab's label quality (self-confidence) in [0, 1], low for a suspicious label.

    Args:
        adjusted: with cleanlab's class thresholds, which need both classes among the recorded labels.
    """
    both = bool(0 < recorded.sum() < len(recorded))
    two = np.stack([1 - probability, probability], 1)
    return np.asarray(
        get_label_quality_scores(recorded.astype(int), two, adjust_pred_probs=adjusted and both), dtype=np.float64
    )


def _first(score: Floats) -> NDArray[np.intp]:
    return np.argsort(-score, kind="stable")


def compare(
    evidence: CaseEvidence,
    planted: NDArray[np.bool_],
    profiles: Profiles,
    *,
    best_model: str | None = None,
    settings: Settings | None = None,
) -> tuple[dict[str, Found], dict[str, Found]]:
    """Turn over the planted labels and see who finds them, all from the same probabilities.

    Args:
        evidence: with the labels as they were. planted: ``(N,)`` which of them are turned over.
        profiles: what signals are worth; must not rest on the true labels of these images.
        best_model: model by which loss and cleanlab are tried alone too.

    Returns:
        :data:`METHODS`, where loss and cleanlab rank by the mean of the models; and further rankings by name.
    """
    recorded = np.asarray(evidence.recorded).astype(bool) ^ planted
    given = replace(evidence, recorded=recorded)
    p = mean_probability(evidence.probabilities)
    losses = loss(p, recorded)
    _, code, size = np.unique(np.asarray(evidence.groups, dtype=str), return_inverse=True, return_counts=True)
    main = {
        "ours": found_at_top(rank_discrepancies(given, profiles, settings).order, planted),
        "cleanlab": found_at_top(_first(-label_quality(p, recorded)), planted),
        "loss": found_at_top(_first(losses), planted),
        "chance": expected_by_chance(planted),
    }
    further = {
        "cleanlab, class-adjusted": found_at_top(_first(-label_quality(p, recorded, adjusted=True)), planted),
        "loss, mean over the patient": found_at_top(_first((np.bincount(code, losses) / size)[code]), planted),
    }
    if best_model is not None:
        alone = mean_probability({best_model: evidence.probabilities[best_model]})
        further[f"loss, {best_model} alone"] = found_at_top(_first(loss(alone, recorded)), planted)
        quality = label_quality(alone, recorded, adjusted=True)
        further[f"cleanlab, class-adjusted, {best_model} alone"] = found_at_top(_first(-quality), planted)
    return main, further
