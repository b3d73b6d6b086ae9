"""MR, PET, and both: every model on MR slices, on PET slices, and on pairs of slices at the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit

from core.errors import DataLayoutError
from core.imaging.study import Modality, Series
from core.models.card import ModelCard
from core.statistics.intervals import bootstrap_by_group, paired_bootstrap
from core.statistics.ranking import roc_auc
from trainers.data.items import Item
from trainers.panel import Panel
from trainers.scoring import Scored, baselines, figures, with_intervals

KINDS = {"mr": Modality.MR, "pet": Modality.PT}
# Late fusion of the two models of one modality: calibrated log-odds, added. The weight of the MR model is the best of
# 0.25, 0.5 and 1 on the validation pairs (AUC 0.955; PET alone 0.950).
FUSION, MR_WEIGHT = "pet + mr, late fusion", 0.5
Pair = tuple[int, int]  # row of the PET slice, row of the MR slice
Score = tuple[np.ndarray, float]  # finding probability by row, seconds a slice


def along(series: Series, normal: np.ndarray) -> np.ndarray:
    """Millimetres of every slice's centre along a direction in patient space."""
    if series.affine is None:
        raise DataLayoutError("A volume has no position in the patient.", "Use NIfTI files with an affine.")
    height, width = series.shape
    centres = np.array([[(width - 1) / 2, (height - 1) / 2, k, 1.0] for k in range(series.slices)])
    return np.asarray((centres @ series.affine.T)[:, :3] @ normal)


def matched_slices(pet: Series, mr: Series) -> list[Pair]:
    """Pairs of slices at the same place: for every PET slice the nearest MR slice along the PET's normal.

    Only pairs closer than half the larger slice distance are kept, and an MR slice goes to one PET slice, its nearest.
    """
    if pet.affine is None:
        raise DataLayoutError("A volume has no position in the patient.", "Use NIfTI files with an affine.")
    step = pet.affine[:3, 2]
    normal = step / np.linalg.norm(step)
    at_pet, at_mr = along(pet, normal), along(mr, normal)
    distance = np.abs(at_pet[:, None] - at_mr[None])
    steps = [float(np.median(np.abs(np.diff(a)))) if len(a) > 1 else 0.0 for a in (at_pet, at_mr)]
    nearest = distance.argmin(1)
    return [
        (k, int(m))
        for k, m in enumerate(nearest)
        if distance[k, m] <= max(steps) / 2 + 1e-6 and distance[:, m].argmin() == k
    ]


def evaluate_modalities(
    items: Sequence[Item], panel: Panel, labels: dict[str, int], *, progress: Callable[[float], None] | None = None
) -> dict[str, object]:
    """Figures in the JSON form of ``python -m trainers evaluate``, each model ``tested_on`` MR, PET and pairs.

    A model whose contract refuses a modality has no figure there. On a pair, a model of one modality reads its own
    slice; one that reads both answers with the mean of its two probabilities. A pair is positive when the tumour
    reaches either slice.
    """
    by_kind = {kind: [i for i in items if i.series.modality is modality] for kind, modality in KINDS.items()}
    tables: dict[str, dict[str, Score]] = {}
    for kind, some in by_kind.items():
        if not some:
            continue
        done = 0.0 if kind == "mr" else len(by_kind["mr"]) / len(items)

        def partly(fraction: float, done: float = done, share: float = len(some) / len(items)) -> None:
            if progress is not None:
                progress(done + fraction * share)

        answers = panel.scores(some, labels, modality=KINDS[kind].value, progress=partly)
        tables[kind] = {name: (s.finding, s.seconds) for name, s in answers.items()}
    truth = {k: np.array([labels[x] > 0 for i in some for x in i.labels]) for k, some in by_kind.items()}
    groups = {k: np.array([i.group for i in some for _ in i.labels]) for k, some in by_kind.items()}
    pairs = _all_pairs(by_kind["pet"], by_kind["mr"])
    truth["pairs"] = np.array([truth["pet"][p] | truth["mr"][m] for p, m in pairs], bool)
    groups["pairs"] = np.array([groups["pet"][p] for p, _ in pairs])

    models: dict[str, dict[str, Any]] = {}
    on_pairs: dict[str, np.ndarray] = {}
    for name, card in panel.cards.items():
        scores = {kind: tables[kind][name] for kind in KINDS if name in tables.get(kind, {})}
        joint = _pair_scores(card, scores, pairs)
        if joint is not None:
            on_pairs[name], scores["pairs"] = joint[0], joint
        tested = {kind: _figures(card, truth[kind], groups[kind], score) for kind, score in scores.items()}
        own = {"MR": "mr", "PT": "pet"}.get(card.contract.modality or "", "pairs")
        if tested:
            models[name] = {**tested.get(own, {}), "tested_on": tested}
    fusion: dict[str, Any] = {}
    if {"pet", "mr"} <= set(on_pairs):
        on_pairs[FUSION] = expit(logit(_inside(on_pairs["pet"])) + MR_WEIGHT * logit(_inside(on_pairs["mr"])))
        fusion = {"pairs": _auc(truth["pairs"], on_pairs[FUSION], groups["pairs"]), "mr_weight": MR_WEIGHT}
    every = [i for some in by_kind.values() for i in some]
    return {
        "system": "mr-pet",
        "n": int(len(truth["mr"]) + len(truth["pet"])),
        "groups": len({i.group for i in every}),
        "pairs": len(pairs),
        "models": models,
        "fusion": fusion,
        "baselines": _baselines(by_kind, truth, groups, pairs),
        "paired": _paired(on_pairs, truth["pairs"], groups["pairs"]),
    }


def _all_pairs(pet: Sequence[Item], mr: Sequence[Item]) -> list[Pair]:
    starts = np.cumsum([0, *(i.series.slices for i in mr)])
    place = {item.group: (int(start), item) for start, item in zip(starts, mr, strict=False)}
    out: list[Pair] = []
    first = 0
    for item in pet:
        if item.group in place:
            start, other = place[item.group]
            out += [(first + k, start + m) for k, m in matched_slices(item.series, other.series)]
        first += item.series.slices
    return out


def _pair_scores(card: ModelCard, scores: dict[str, Score], pairs: Sequence[Pair]) -> Score | None:
    """Score of every pair; ``None`` without pairs, or where the model has not answered for all it reads."""
    read = [kind for kind in KINDS if card.contract.modality in (None, KINDS[kind].value)]
    if not pairs or not read or not set(read) <= set(scores):
        return None
    rows = {"pet": [p for p, _ in pairs], "mr": [m for _, m in pairs]}
    return np.mean([scores[kind][0][rows[kind]] for kind in read], 0), sum(scores[kind][1] for kind in read)


def _figures(card: ModelCard, truth: np.ndarray, groups: np.ndarray, score: Score) -> dict[str, float]:
    none = np.zeros(len(truth), int)
    s = Scored(none, groups, truth.astype(int), truth, none[:, None], score[0], None, None, score[1])
    return with_intervals(figures(card, s), {"n": len(truth), "threshold": card.threshold.value})


def _baselines(
    by_kind: dict[str, list[Item]], truth: dict[str, np.ndarray], groups: dict[str, np.ndarray], pairs: Sequence[Pair]
) -> dict[str, dict[str, Any]]:
    """Always positive, and the largest value of the slice: SUVmax for PET, the largest grey level for MR."""
    every = [i for kind in ("mr", "pet") for i in by_kind[kind]]
    out: dict[str, dict[str, Any]] = {
        name: dict(values)
        for name, values in baselines(np.concatenate([truth["mr"], truth["pet"]]), every).items()
        if name.startswith("always")
    }
    for kind, name in (("pet", "SUVmax"), ("mr", "largest MR value")):
        if not by_kind[kind]:
            continue
        top = np.array([float(p.max()) for i in by_kind[kind] for p in i.series.pixels])
        tested = {kind: _auc(truth[kind], top, groups[kind])}
        if pairs:
            rows = [p[0 if kind == "pet" else 1] for p in pairs]
            tested["pairs"] = _auc(truth["pairs"], top[rows], groups["pairs"])
        out[name] = {**tested[kind], "tested_on": tested}
    return out


def _auc(truth: np.ndarray, score: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    i = bootstrap_by_group(roc_auc, [truth, score], groups)
    found = {"auc": i.value, "auc_low": i.low, "auc_high": i.high}
    return {k: float(v) for k, v in found.items() if np.isfinite(v)}


def _inside(probability: np.ndarray) -> np.ndarray:
    return np.clip(probability, 1e-6, 1 - 1e-6)


def _paired(scores: dict[str, np.ndarray], truth: np.ndarray, groups: np.ndarray) -> dict[str, dict[str, float]]:
    """AUC of what reads both modalities less that of every model, on the same pairs."""
    out: dict[str, dict[str, float]] = {}
    if truth.all() or not truth.any():
        return out
    for both in ("combined", FUSION):
        for name in scores if both in scores else ():
            if name in (both, FUSION):
                continue
            d = paired_bootstrap(roc_auc, [truth, scores[both]], [truth, scores[name]], groups)
            values = {"difference": d.difference.value, "low": d.difference.low, "high": d.difference.high, "p": d.p}
            out[f"{both} - {name}"] = {k: float(v) for k, v in values.items()}
    return out
