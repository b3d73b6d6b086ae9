"""One model over one series: the path that pages, archives and the evaluation share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from core.imaging.study import Series
from core.models.net import OverreadNet
from core.preprocessing.prepare import fit_of, prepare
from core.weights.card import ModelCard


@dataclass(frozen=True, eq=False)
class SeriesPrediction:
    """What a model says about the slices of a series.

    Attributes:
        logits: float32 ``(slices, K)``; K = 1 for a binary model. NaN on a slice on which the model failed: its
            pixels, or what the network made of them, are not finite numbers.
        features: float32 ``(slices, F)`` pooled features; NaN likewise.
        mask_probability: float16 ``(slices, height, width)`` on the image grid, or ``None``; 0 where the model failed.
        seconds: per slice.
    """

    logits: np.ndarray
    features: np.ndarray
    mask_probability: np.ndarray | None
    seconds: float


def predict_series(
    net: OverreadNet,
    card: ModelCard,
    series: Series,
    *,
    indices: list[int] | None = None,
    progress: Callable[[float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> SeriesPrediction:
    """Run a model over slices, one at a time: an answer does not depend on what else is in the batch.

    Raises:
        ContractError: the series does not fit the model's contract.
        InterruptedError: ``stop`` returned true.
    """
    wanted = list(range(series.slices)) if indices is None else indices
    logits, features, masks = [], [], []
    started = time.perf_counter()
    with torch.inference_mode():
        for place, index in enumerate(wanted):
            if stop is not None and stop():
                raise InterruptedError
            logit, pooled, mask = answered(net, card, prepare(series, card.contract, [index]))
            failed = not all(bool(torch.isfinite(part).all()) for part in (logit, pooled, mask) if part is not None)
            if failed:
                logit, pooled = torch.full_like(logit, torch.nan), torch.full_like(pooled, torch.nan)
            logits.append(logit[0].numpy())
            features.append(pooled[0].numpy())
            if mask is not None and failed:
                masks.append(np.zeros(series.shape, np.float16))
            elif mask is not None:
                fit = fit_of(series, index, card.contract)
                masks.append(fit.back(torch.sigmoid(mask[0, 0]).numpy()).astype(np.float16))
            if progress is not None:
                progress((place + 1) / len(wanted))
    seconds = (time.perf_counter() - started) / max(len(wanted), 1)
    return SeriesPrediction(np.stack(logits), np.stack(features), np.stack(masks) if masks else None, seconds)


def answered(
    net: OverreadNet, card: ModelCard, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """A model's answer to prepared images ``(B, C, H, W)``, averaged over the card's test-time flips.

    Returns:
        float32 logits ``(B, K)``, pooled features ``(B, F)`` of the images as they are, and mask logits
        ``(B, 1, H, W)`` or ``None``.
    """
    out = net.run(x)
    logits, mask = out.logits, out.mask_logits
    if "horizontal" in card.test_time_flips:
        mirrored = net.run(x.flip(-1))
        logits = (logits + mirrored.logits) / 2
        if mask is not None and mirrored.mask_logits is not None:
            mask = (mask + mirrored.mask_logits.flip(-1)) / 2
    return logits.float(), out.features.float(), None if mask is None else mask.float()


def masks_from(card: ModelCard, probability: np.ndarray) -> np.ndarray:
    """Binary masks ``(slices, height, width)`` at the card's mask threshold; specks below its minimum size go."""
    masks = probability.astype(np.float32) >= card.mask_threshold
    small = masks.sum((1, 2)) < card.mask_min_pixels
    masks[small] = False
    return masks
