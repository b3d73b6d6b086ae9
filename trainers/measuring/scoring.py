"""Scoring a model on items through the serving path, and turning the scores into figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from core.engine.predict import SeriesPrediction, answered, masks_from, predict_series, smoothed
from core.errors import NotFiniteError
from core.imaging.study import Modality, Series, Unit
from core.models.net import OverreadNet
from core.preprocessing.prepare import prepare
from core.statistics.calibration import ece
from core.statistics.intervals import Interval, bootstrap_by_group
from core.statistics.overlap import dice_from_counts, iou_from_counts, tversky_from_counts
from core.statistics.perfect import f1_past_perfection, past_perfection, ranking_past_perfection
from core.statistics.ranking import roc_auc
from core.statistics.rates import binary_rates
from core.statistics.segmentation import dice_per_volume
from core.weights.answers import finding_probability, probabilities
from core.weights.card import Metric, ModelCard, Threshold
from trainers.data.items import Item

BATCH = 32
TIMED = 10  # series
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model said about ``N`` slices, beside the truth.

    ``truth`` is 1 where the label is a finding; ``classes`` the class index; ``logits`` ``(N, K)``; ``masks`` and
    ``truths`` lists of bool ``(height, width)`` in the order of the rows, or ``None``.
    """

    ids: np.ndarray
    groups: np.ndarray
    classes: np.ndarray
    truth: np.ndarray
    logits: np.ndarray
    finding: np.ndarray
    masks: list[np.ndarray] | None
    truths: list[np.ndarray] | None
    seconds: float


def predictions(
    net: OverreadNet, card: ModelCard, items: Sequence[Item], *, progress: Callable[[float], None] | None = None
) -> list[SeriesPrediction]:
    """Run the model over all items; the slow part, done once.

    A classifier is run in batches, ten times as fast for small crops; its answers differ from those one at a time by
    rounding only, and the time told is that of single images. Masks are too large to be held for a batch of series.

    Args:
        progress: called with the fraction done.

    Raises:
        ContractError: an item does not fit the model's contract.
    """
    if net.draws_masks:
        return [predict_series(net, card, item.series) for item in _counted(items, progress)]
    logits, features = in_batches(net, card, [item.series for item in items], progress)
    seconds = float(np.mean([predict_series(net, card, i.series, indices=[0]).seconds for i in items[:TIMED]]))
    ends = np.cumsum([item.series.slices for item in items])[:-1]
    whole = (np.split(part, ends) for part in (logits, features))
    return [
        SeriesPrediction(smoothed(own, item.series, card.along), rest, None, seconds)
        for item, own, rest in zip(items, *whole, strict=True)
    ]


def in_batches(
    net: OverreadNet, card: ModelCard, series: Sequence[Series], progress: Callable[[float], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Each slice's own logits ``(N, K)`` and pooled features ``(N, F)``, of several series one after the other.

    Args:
        progress: called with the fraction done.

    Raises:
        ContractError: a series that the model does not read.
    """
    places = [(one, index) for one in series for index in range(one.slices)]
    logits, features = [], []
    with torch.inference_mode():
        for rows in _counted([places[at : at + BATCH] for at in range(0, len(places), BATCH)], progress):
            x = torch.cat([prepare(one, card.contract, [index]) for one, index in rows])
            answer, pooled, _ = answered(net, card, x)
            logits.append(answer.numpy())
            features.append(pooled.numpy())
    return np.concatenate(logits), np.concatenate(features)


def _counted(things: Sequence[T], progress: Callable[[float], None] | None) -> Iterator[T]:
    """The things one by one; after each the fraction done is told."""
    for number, thing in enumerate(things):
        yield thing
        if progress is not None:
            progress((number + 1) / len(things))


def labels_for(card: ModelCard, findings: Mapping[str, int]) -> dict[str, int]:
    """Class index of every label text for a model: its class of that name, else its first that fits the finding.

    Args:
        findings: 1 for the label texts that count as a finding, 0 for the others.
    """
    named = {name.replace("-", " "): index for index, name in enumerate(card.classes)}
    positive = [name in card.positive for name in card.classes]
    out = {}
    for label, finding in findings.items():
        text = label.replace("-", " ")
        begun = [index for name, index in named.items() if name.startswith(f"{text} ")]  # "pituitary", of the tumour
        own = named.get(text, begun[0] if len(begun) == 1 else None)
        out[label] = own if own is not None and positive[own] == bool(finding) else positive.index(bool(finding))
    return out


def scored(
    card: ModelCard,
    items: Sequence[Item],
    predicted: Sequence[SeriesPrediction],
    labels: Mapping[str, int],
    gate: np.ndarray | None = None,
) -> Scored:
    """Put predictions beside the truth, calibrated and thresholded by the card.

    Args:
        gate: bool ``(N,)`` false where a mask is withheld; by default the card's own decision when it gates itself.

    Raises:
        NotFiniteError: an answer is not a finite number.
    """
    logits = np.concatenate([p.logits for p in predicted])
    if not np.isfinite(logits).all():
        failed = int((~np.isfinite(logits).all(1)).sum())
        raise NotFiniteError(
            f"{card.title} gave no finite answer on {failed} of {len(logits)} images; figures would hide that.",
            "Take those images out of the folder, or train the model again.",
        )
    finding = finding_probability(probabilities(logits, card.temperature), card)
    classes = np.array([labels[label] for item in items for label in item.labels])
    positive = [card.classes.index(name) for name in card.positive]
    if gate is None and card.gate == card.name:
        gate = finding >= card.threshold.value
    masks: list[np.ndarray] | None = None
    truths: list[np.ndarray] | None = None
    if all(p.mask_probability is not None for p in predicted) and any(i.series.truth is not None for i in items):
        masks, truths = [], []
        for item, p in zip(items, predicted, strict=True):
            assert p.mask_probability is not None
            masks.extend(masks_from(card, p.mask_probability))
            real = item.series.truth
            truths.extend(np.zeros(item.series.pixels.shape, bool) if real is None else real)
        if gate is not None:
            masks = [m if open_ else np.zeros_like(m) for m, open_ in zip(masks, gate, strict=True)]
    return Scored(
        ids=np.array([name for item in items for name in item.ids]),
        groups=np.array([item.group for item in items for _ in item.labels]),
        classes=classes,
        truth=np.isin(classes, positive),
        logits=logits,
        finding=finding,
        masks=masks,
        truths=truths,
        seconds=float(np.average([p.seconds for p in predicted], weights=[len(p.logits) for p in predicted])),
    )


def figures(card: ModelCard, s: Scored, *, resamples: int = 1000) -> dict[str, Metric]:
    """All figures of a model on some part, with 95 % intervals that draw whole groups."""
    threshold = card.threshold.value
    groups = len(set(s.groups))

    out: dict[str, Metric] = {}
    both = 0 < s.truth.sum() < len(s.truth)
    if both:
        out["auc"] = _area(s.truth, s.finding, s.groups, resamples)
        by_group = _per_group(s)
        if by_group is not None:
            out["group_auc"] = _area(*by_group, np.arange(len(by_group[0])), resamples)
    said = s.finding >= threshold
    bounds = {
        "accuracy": (past_perfection, np.ones(len(s.truth), bool)),
        "balanced_accuracy": (None, np.zeros(len(s.truth), bool)),
        "sensitivity": (past_perfection, s.truth),
        "specificity": (past_perfection, ~s.truth),
        "f1": (f1_past_perfection, said | s.truth),
        "ppv": (past_perfection, said),
        "npv": (past_perfection, ~said),
    }
    for name, (bound, over) in bounds.items():

        def rate(truth: np.ndarray, p: np.ndarray, name: str = name) -> float:
            return float(getattr(binary_rates(truth, p, threshold), name))

        if not both and name in ("f1", "ppv", "npv"):
            continue  # shares of what is called so mean nothing where all is, or nothing is
        if np.isfinite(rate(s.truth, s.finding)):  # one class alone has its own rate, not the other's
            i = bootstrap_by_group(rate, [s.truth, s.finding], s.groups, n=min(resamples, 500))
            if groups > 1 and bound is not None:
                i = bound(i, s.groups[over])
            out[name] = metric_of(i)
    if both:
        out["ece"] = Metric(value=float(ece(s.finding, s.truth)), n=len(s.truth), groups=groups, method="15 bins")
    if s.masks is not None and s.truths is not None:
        drawn, real = (np.array([int(m.sum()) for m in masks]) for masks in (s.masks, s.truths))
        shared = np.array([int((m & t).sum()) for m, t in zip(s.masks, s.truths, strict=True)])
        out |= mask_figures(drawn, real, shared, s.groups, resamples)
    out["ms_per_image"] = Metric(value=1000 * s.seconds, n=len(s.truth), method="this machine's CPU, one at a time")
    return out


def threshold_figures(threshold: Threshold) -> dict[str, float]:
    """A threshold as JSON has it, with the interval of its choice where the card keeps one."""
    out = {"threshold": threshold.value}
    if threshold.low is not None and threshold.high is not None:
        out |= {"threshold_low": threshold.low, "threshold_high": threshold.high}
    return out


def with_intervals(metrics: Mapping[str, Metric], out: dict[str, Any] | None = None) -> dict[str, Any]:
    """Figures as JSON has them, added to ``out``: value, and ends of the interval where there is one."""
    out = {} if out is None else dict(out)
    for figure, metric in metrics.items():
        out[figure] = metric.value
        if figure not in ("ece", "ms_per_image") and metric.low is not None and metric.high is not None:
            out[f"{figure}_low"], out[f"{figure}_high"] = metric.low, metric.high
    return out


def _area(truth: np.ndarray, score: np.ndarray, groups: np.ndarray, resamples: int) -> Metric:
    """AUC with its interval; without a pair out of order, with the bound that this many groups allow."""
    i = bootstrap_by_group(roc_auc, [truth, score], groups, n=resamples)
    return metric_of(ranking_past_perfection(i, truth, groups) if i.groups > 1 else i)


def mask_figures(
    drawn: np.ndarray, real: np.ndarray, shared: np.ndarray, groups: np.ndarray, resamples: int = 1000
) -> dict[str, Metric]:
    """Overlap by slice and by volume, and false masks, from the ``(N,)`` pixel counts of mask, truth and both."""
    out = {}

    def put(name: str, values: np.ndarray, of: np.ndarray, statistic: object = np.mean, *, rate: bool = False) -> None:
        i = bootstrap_by_group(statistic, [values], of, n=resamples)  # type: ignore[arg-type]
        out[name] = metric_of(past_perfection(i, of) if rate and i.groups > 1 else i)

    indices: dict[str, Callable[..., np.ndarray]] = {
        "dice": dice_from_counts,
        "iou": iou_from_counts,
        "tversky": tversky_from_counts,
    }
    ill = real > 0
    if ill.any():
        _, codes = np.unique(groups, return_inverse=True)
        all_drawn, all_real, all_shared = (np.bincount(codes, counts) for counts in (drawn, real, shared))
        tumour = all_real > 0
        volumes = (all_drawn[tumour], all_real[tumour], all_shared[tumour])
        for name, index in indices.items():
            put(f"{name}_slice", index(drawn[ill], real[ill], shared[ill]), groups[ill])
            values = index(*volumes)
            put(f"{name}_volume_mean", values, np.arange(len(values)))
        dice = dice_from_counts(*volumes)
        put("dice_volume_median", dice, np.arange(len(dice)), np.median)
    if (~ill).any():
        put("false_mask_rate", (drawn[~ill] > 0).astype(float), groups[~ill], rate=True)
    return out


def dice_with_tumour(masks: Sequence[np.ndarray], truths: Sequence[np.ndarray], groups: np.ndarray) -> np.ndarray:
    """Dice of every volume with tumour, all slices of a group together; without tumour, false masks tell instead."""
    with_tumour = np.isin(groups, groups[[bool(t.any()) for t in truths]])
    rows = np.flatnonzero(with_tumour).tolist()
    found = dice_per_volume([masks[r] for r in rows], [truths[r] for r in rows], groups[rows].tolist())
    return np.asarray(found.values)


def _per_group(s: Scored) -> tuple[np.ndarray, np.ndarray] | None:
    """Truth and mean probability by group, when every group has one truth and both occur; else ``None``."""
    names, codes = np.unique(s.groups, return_inverse=True)
    counts = np.bincount(codes)
    share = np.bincount(codes, s.truth.astype(float)) / counts
    if len(names) == len(s.truth) or not np.isin(share, (0.0, 1.0)).all() or len(set(share)) < 2:
        return None
    return share > 0.5, np.bincount(codes, s.finding) / counts


def metric_of(i: Interval) -> Metric:
    """A figure as cards hold it."""
    return Metric(value=i.value, low=finite(i.low), high=finite(i.high), n=i.n, groups=i.groups, method=i.method)


def finite(value: float) -> float | None:
    """The value, or ``None`` for what JSON has no number for."""
    return float(value) if np.isfinite(value) else None


def constant_answers(truth: np.ndarray, groups: np.ndarray) -> dict[str, dict[str, float]]:
    """What always saying the same reaches; how many images that gets right depends on the groups drawn.

    Args:
        truth: bool ``(N,)``. groups: ``(N,)``.
    """
    out = {}
    for label, right in (("always positive", truth), ("always negative", ~truth)):
        share = bootstrap_by_group(np.mean, [right.astype(float)], groups)
        out[label] = {"auc": 0.5, "accuracy": share.value} | _ends("accuracy", share)
    return out


def baselines(truth: np.ndarray, items: Sequence[Item]) -> dict[str, dict[str, float]]:
    """What needs no model: one answer for all, and a grey level as a score; each with its interval by group.

    The grey levels are the slice's mean and spread, and for PET its largest, which is SUVmax where the unit is SUV. The
    better direction of each is taken.

    Args:
        truth: bool ``(N,)``, true where a slice's label is a finding.
        items: the ``N`` slices, in the same order.
    """
    groups = np.array([item.group for item in items for _ in item.labels])
    out = constant_answers(truth, groups)
    if not 0 < float(truth.mean()) < 1:
        return out
    planes = [plane for item in items for plane in item.series.pixels]
    scores = {
        "grey mean": np.array([float(p.mean(dtype=np.float64)) for p in planes]),
        "grey spread": np.array([float(p.std(dtype=np.float64)) for p in planes]),
    }
    if all(item.series.modality is Modality.PT for item in items):
        name = "SUVmax" if all(item.series.unit is Unit.SUV for item in items) else "largest grey level"
        scores[name] = np.array([float(p.max()) for p in planes])
    for name, score in scores.items():
        sign = 1.0 if roc_auc(truth, score) >= 0.5 else -1.0
        found = ranking_past_perfection(bootstrap_by_group(roc_auc, [truth, sign * score], groups), truth, groups)
        out[name] = {"auc": found.value} | _ends("auc", found)
    return out


def _ends(name: str, i: Interval) -> dict[str, float]:
    return {f"{name}_low": i.low, f"{name}_high": i.high} if np.isfinite([i.low, i.high]).all() else {}
