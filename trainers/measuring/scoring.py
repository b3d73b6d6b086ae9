"""Scoring a model on items through the serving path, and turning the scores into figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from core.engine.predict import SeriesPrediction, answered, masks_from, predict_series
from core.errors import NotFiniteError
from core.imaging.study import Series
from core.models.net import OverreadNet
from core.preprocessing.prepare import prepare
from core.statistics.calibration import ece
from core.statistics.intervals import Interval, bootstrap_by_group
from core.statistics.perfect import past_perfection
from core.statistics.ranking import roc_auc
from core.statistics.rates import binary_rates
from core.statistics.segmentation import dice, dice_per_volume, false_mask_rate
from core.weights.answers import finding_probability, probabilities
from core.weights.card import Metric, ModelCard
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
    return [SeriesPrediction(own, pooled, None, seconds) for own, pooled in zip(*whole, strict=True)]


def in_batches(
    net: OverreadNet, card: ModelCard, series: Sequence[Series], progress: Callable[[float], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``(N, K)`` and pooled features ``(N, F)`` of all slices of several series, one series after the other.

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

    def interval(statistic: object, arrays: list[np.ndarray], of: np.ndarray, n: int = resamples) -> Metric:
        return metric_of(bootstrap_by_group(statistic, arrays, of, n=n))  # type: ignore[arg-type]

    out: dict[str, Metric] = {}
    both = 0 < s.truth.sum() < len(s.truth)
    if both:
        out["auc"] = interval(roc_auc, [s.truth, s.finding], s.groups)
        by_group = _per_group(s)
        if by_group is not None:
            out["group_auc"] = interval(roc_auc, list(by_group), np.arange(len(by_group[0])))
    over = {"accuracy": np.ones(len(s.truth), bool), "sensitivity": s.truth, "specificity": ~s.truth}
    for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity"):

        def rate(truth: np.ndarray, p: np.ndarray, name: str = name) -> float:
            return float(getattr(binary_rates(truth, p, threshold), name))

        if np.isfinite(rate(s.truth, s.finding)):  # one class alone has its own rate, not the other's
            i = bootstrap_by_group(rate, [s.truth, s.finding], s.groups, n=min(resamples, 500))
            if groups > 1 and name in over:
                i = past_perfection(i, s.groups[over[name]])
            out[name] = metric_of(i)
    if both:
        out["ece"] = Metric(value=float(ece(s.finding, s.truth)), n=len(s.truth), groups=groups, method="15 bins")
    if s.masks is not None and s.truths is not None:
        out.update(_mask_figures(s, resamples))
    out["ms_per_image"] = Metric(value=1000 * s.seconds, n=len(s.truth), method="this machine's CPU, one at a time")
    return out


def with_intervals(metrics: Mapping[str, Metric], out: dict[str, Any] | None = None) -> dict[str, Any]:
    """Figures as JSON has them, added to ``out``: value, and ends of the interval where there is one."""
    out = {} if out is None else dict(out)
    for figure, metric in metrics.items():
        out[figure] = metric.value
        if figure not in ("ece", "ms_per_image") and metric.low is not None and metric.high is not None:
            out[f"{figure}_low"], out[f"{figure}_high"] = metric.low, metric.high
    return out


def _mask_figures(s: Scored, resamples: int) -> dict[str, Metric]:
    assert s.masks is not None
    assert s.truths is not None
    out = {}

    def put(name: str, values: np.ndarray, of: np.ndarray, statistic: object = np.mean) -> None:
        i = bootstrap_by_group(statistic, [values], of, n=resamples)  # type: ignore[arg-type]
        out[name] = metric_of(i)

    with_tumour = np.array([bool(t.any()) for t in s.truths])
    if with_tumour.any():
        rows = np.nonzero(with_tumour)[0]
        per_slice = np.array([dice(s.masks[r], s.truths[r]) for r in rows])
        put("dice_slice", per_slice, s.groups[rows])
        values = dice_with_tumour(s.masks, s.truths, s.groups)
        put("dice_volume_mean", values, np.arange(len(values)))
        put("dice_volume_median", values, np.arange(len(values)), np.median)
    if (~with_tumour).any():
        rows = np.nonzero(~with_tumour)[0]
        drawn = np.array([float(s.masks[r].any()) for r in rows])
        assert abs(drawn.mean() - false_mask_rate(s.masks, s.truths)) < 1e-9
        put("false_mask_rate", drawn, s.groups[rows])
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


def baselines(truth: np.ndarray, items: Sequence[Item]) -> dict[str, dict[str, float]]:
    """What needs no model: always positive, always negative, and the grey-level mean and spread as a score.

    Args:
        truth: bool ``(N,)``, true where a slice's label is a finding.
        items: the ``N`` slices, in the same order.
    """
    rate = float(truth.mean())
    out = {"always positive": {"auc": 0.5, "accuracy": rate}, "always negative": {"auc": 0.5, "accuracy": 1 - rate}}
    if 0 < rate < 1:
        planes = [plane for item in items for plane in item.series.pixels]
        for name, score in (
            ("grey mean", np.array([float(p.mean(dtype=np.float64)) for p in planes])),
            ("grey spread", np.array([float(p.std(dtype=np.float64)) for p in planes])),
        ):
            auc = roc_auc(truth, score)
            out[name] = {"auc": max(auc, 1 - auc)}
    return out
