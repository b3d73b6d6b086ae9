"""MR, PET, and both: every model on MR slices, on PET slices, and on pairs of slices at the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.imaging.places import matched_slices
from core.imaging.study import Modality
from core.statistics.intervals import bootstrap_by_group, paired_bootstrap
from core.statistics.perfect import ranking_past_perfection
from core.statistics.ranking import roc_auc
from core.systems import System
from core.weights.card import Metric, ModelCard, Threshold
from core.weights.fusion import fused, load_fusion
from trainers.data.items import Item
from trainers.measuring.panel import Panel
from trainers.measuring.report import report_of
from trainers.measuring.scoring import Scored, baselines, figures, threshold_figures, with_intervals

MR, PET = "mr", "pet"  # as the JSON names the two kinds of slices
KINDS = {MR: Modality.MR, PET: Modality.PT}
LATE = "pet + mr, late fusion"
# What the log-odds of MR, and of CT, count in an answer to a pair, PET's counting 1. Fixed for CT as for MR. With MR,
# cross-validated on 1,868 pairs of 32 patients, each read by networks that never saw its patient: AUC 0.911, 0.918,
# 0.920 and 0.918 at 0.25, 0.5, 0.75 and 1 (PET 0.894).
OTHER_WEIGHT = 0.5
Pair = tuple[int, int]  # row of the PET slice, row of the MR slice
Score = tuple[np.ndarray, float]  # finding probability by row, seconds a slice


def evaluate_modalities(
    items: Sequence[Item], panel: Panel, system: System, *, progress: Callable[[float], None] | None = None
) -> dict[str, object]:
    """Figures in the JSON form of ``python -m trainers evaluate``, each model ``tested_on`` MR, PET and pairs.

    A model whose contract refuses a modality has no figure there. On a pair, a model of one modality reads its own
    slice; one that reads both answers for each, and the two are fused as those of two models are
    (:mod:`core.weights.fusion`). A pair is positive when the tumour reaches either slice.
    """
    labels = system.labels
    assert system.pair is not None
    by_kind = {kind: [i for i in items if i.series.modality is modality] for kind, modality in KINDS.items()}
    tables: dict[str, dict[str, Score]] = {}
    for kind, some in by_kind.items():
        if not some:
            continue
        done = 0.0 if kind == MR else len(by_kind[MR]) / len(items)

        def partly(fraction: float, done: float = done, share: float = len(some) / len(items)) -> None:
            if progress is not None:
                progress(done + fraction * share)

        answers = panel.scores(some, labels, modality=KINDS[kind].value, progress=partly)
        tables[kind] = {name: (s.finding, s.seconds) for name, s in answers.items()}
    truth = {k: np.array([labels[x] > 0 for i in some for x in i.labels]) for k, some in by_kind.items()}
    groups = {k: np.array([i.group for i in some for _ in i.labels]) for k, some in by_kind.items()}
    pairs = all_pairs(by_kind[PET], by_kind[MR])
    truth["pairs"] = np.array([truth[PET][p] | truth[MR][m] for p, m in pairs], bool)
    groups["pairs"] = np.array([groups[PET][p] for p, _ in pairs])

    rule = load_fusion(panel.weights)
    rule = rule if rule is not None and rule.fits(panel.cards) else None
    models: dict[str, dict[str, Any]] = {}
    on_pairs: dict[str, np.ndarray] = {}
    for name, card in panel.cards.items():
        scores = {kind: tables[kind][name] for kind in KINDS if name in tables.get(kind, {})}
        joint = _pair_scores(card, scores, pairs)
        if joint is not None:
            on_pairs[name], scores["pairs"] = joint[0], joint
        tested = {kind: _figures(card, truth[kind], groups[kind], score) for kind, score in scores.items()}
        own = next((k for k, m in KINDS.items() if m == card.contract.modality), "pairs")
        if tested:
            models[name] = {**tested.get(own, {}), "tested_on": tested}
    fusion: dict[str, Any] = {}
    if {system.pair.pet, system.pair.mr} <= set(on_pairs):
        both = on_pairs[system.pair.pet], on_pairs[system.pair.mr]
        on_pairs[LATE] = fused(*both, OTHER_WEIGHT) if rule is None else rule.fused(*both)
        fusion = {
            "pairs": _auc(truth["pairs"], on_pairs[LATE], groups["pairs"]),
            "mr_weight": OTHER_WEIGHT if rule is None else rule.other_weight,
        }
        if rule is not None:
            of = pair_figures(
                panel.cards[system.pair.pet], rule.threshold, truth["pairs"], on_pairs[LATE], groups["pairs"]
            )
            fusion["pairs"] = with_intervals(of, {"n": len(pairs), "threshold": rule.threshold.value})
    every = [i for some in by_kind.values() for i in some]
    return {
        "system": system.name,
        "n": int(len(truth[MR]) + len(truth[PET])),
        "groups": len({i.group for i in every}),
        "pairs": len(pairs),
        "models": models,
        "fusion": fusion,
        "baselines": _baselines(by_kind, truth, groups, pairs),
        "paired": _paired(on_pairs, system.pair.both, truth["pairs"], groups["pairs"]),
    }


def all_pairs(pet: Sequence[Item], others: Sequence[Item]) -> list[Pair]:
    """Pairs of slices at the same place, over all patients; rows count the slices of all items in their order."""
    starts = np.cumsum([0, *(i.series.slices for i in others)])
    place = {item.group: (int(start), item) for start, item in zip(starts, others, strict=False)}
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
    rows = {PET: [p for p, _ in pairs], MR: [m for _, m in pairs]}
    found = {kind: scores[kind][0][rows[kind]] for kind in read}
    joint = fused(found[PET], found[MR], OTHER_WEIGHT) if len(found) == 2 else found[read[0]]
    return joint, sum(scores[kind][1] for kind in read)


def _figures(card: ModelCard, truth: np.ndarray, groups: np.ndarray, score: Score) -> dict[str, float]:
    s = _alone(truth, groups, *score)
    whole = with_intervals(figures(card, s), {"n": len(truth), **threshold_figures(card.threshold)})
    return whole | report_of(card, s)


def pair_figures(
    card: ModelCard, threshold: Threshold, truth: np.ndarray, finding: np.ndarray, groups: np.ndarray
) -> dict[str, Metric]:
    """Figures of fused probabilities ``(N,)`` at their own threshold; the card gives the classes."""
    found = figures(card.model_copy(update={"threshold": threshold}), _alone(truth, groups, finding, 0.0))
    return {name: metric for name, metric in found.items() if name != "ms_per_image"}


def _alone(truth: np.ndarray, groups: np.ndarray, finding: np.ndarray, seconds: float) -> Scored:
    """Probabilities of a finding beside the truth, without masks or classes of their own."""
    none = np.zeros(len(truth), int)
    return Scored(none, groups, truth.astype(int), truth, none[:, None], finding, None, None, seconds)


def _baselines(
    by_kind: dict[str, list[Item]], truth: dict[str, np.ndarray], groups: dict[str, np.ndarray], pairs: Sequence[Pair]
) -> dict[str, dict[str, Any]]:
    """Always positive, and the largest value of the slice: SUVmax for PET, the largest grey level for MR."""
    every = [i for kind in KINDS for i in by_kind[kind]]
    out: dict[str, dict[str, Any]] = {
        name: dict(values)
        for name, values in baselines(np.concatenate([truth[MR], truth[PET]]), every).items()
        if name.startswith("always")
    }
    for kind, name in ((PET, "SUVmax"), (MR, "largest MR value")):
        if not by_kind[kind]:
            continue
        top = np.array([float(p.max()) for i in by_kind[kind] for p in i.series.pixels])
        tested = {kind: _auc(truth[kind], top, groups[kind])}
        if pairs:
            rows = [p[0 if kind == PET else 1] for p in pairs]
            tested["pairs"] = _auc(truth["pairs"], top[rows], groups["pairs"])
        out[name] = {**tested[kind], "tested_on": tested}
    return out


def _auc(truth: np.ndarray, score: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    i = ranking_past_perfection(bootstrap_by_group(roc_auc, [truth, score], groups), truth, groups)
    found = {"auc": i.value, "auc_low": i.low, "auc_high": i.high}
    return {k: float(v) for k, v in found.items() if np.isfinite(v)}


def _paired(
    scores: dict[str, np.ndarray], trained_on_both: str, truth: np.ndarray, groups: np.ndarray
) -> dict[str, dict[str, float]]:
    """AUC of what reads both modalities less that of every model, on the same pairs."""
    out: dict[str, dict[str, float]] = {}
    if truth.all() or not truth.any():
        return out
    for both in (trained_on_both, LATE):
        for name in scores if both in scores else ():
            if name in (both, LATE):
                continue
            d = paired_bootstrap(roc_auc, [truth, scores[both]], [truth, scores[name]], groups)
            values = {"difference": d.difference.value, "low": d.difference.low, "high": d.difference.high, "p": d.p}
            out[f"{both} - {name}"] = {k: float(v) for k, v in values.items()}
    return out
