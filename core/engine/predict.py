"""One model over slices of a series: the path that pages, archives and the evaluation share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.imaging.study import Series
from core.models.net import OverreadNet
from core.models.output import Trace
from core.preprocessing.planes import Planes
from core.preprocessing.prepare import fit_of, prepare
from core.weights.card import ModelCard


@dataclass(frozen=True, eq=False)
class SlicePrediction:
    """What a model says about one slice.

    Attributes:
        logits: float32 ``(K,)``; K = 1 for a binary model. NaN where the model failed: the slice's pixels, or what the
            network made of them, are not finite numbers.
        features: float32 ``(F,)`` pooled features; NaN likewise.
        mask_probability: float16 ``(height, width)`` on the image grid, or ``None``; 0 where the model failed.
    """

    logits: np.ndarray
    features: np.ndarray
    mask_probability: np.ndarray | None


@dataclass(frozen=True, eq=False)
class SeriesPrediction:
    """What a model says about the slices of a series.

    Attributes:
        logits, features, mask_probability: of :class:`SlicePrediction`, stacked over the slices.
        seconds: per slice.
    """

    logits: np.ndarray
    features: np.ndarray
    mask_probability: np.ndarray | None
    seconds: float


class Reading:
    """One model over one series. Every slice passes the network once, however many answers rest on it.

    A card with ``along`` answers a slice by the mean of its own logits and those of so many slices on either side, each
    read by itself; mask, features and heat map are of the slice alone. An answer does not depend on what else is
    asked, nor in which order.

    Args:
        keep: gets each prepared image ``(1, channels, height, width)`` and what its answer left for heat maps.
        planes: holds prepared slices that other models look at too.
    """

    def __init__(
        self,
        net: OverreadNet,
        card: ModelCard,
        series: Series,
        keep: Callable[[torch.Tensor, Trace], None] | None = None,
        planes: Planes | None = None,
    ) -> None:
        self._net, self._card, self._series, self._keep = net, card, series, keep
        self._planes = Planes() if planes is None else planes
        self._ahead: dict[int, SlicePrediction] = {}  # passed for a neighbour's sake, not asked about yet
        self._logits: dict[int, np.ndarray] = {}

    def at(self, index: int) -> SlicePrediction:
        """What the model says about a slice.

        Raises:
            ContractError: the series does not fit the model's contract.
        """
        places = around(self._series, index, self._card.along)
        for near in places:
            if near not in self._logits:
                self._ahead[near] = self._passed(near)
                self._logits[near] = self._ahead[near].logits
        own = self._ahead.pop(index, None) or self._passed(index)
        said = np.stack([self._logits[near] for near in places])
        return replace(own, logits=mean_along(said, places.index(index)))

    def _passed(self, index: int) -> SlicePrediction:
        """The network's own answer to a slice."""
        with torch.inference_mode():
            x = prepare(self._series, self._card.contract, [index], planes=self._planes)
            logit, pooled, mask, trace = passed(self._net, self._card, x)
            if self._keep is not None:
                self._keep(x, trace)
            failed = not all(bool(torch.isfinite(part).all()) for part in (logit, pooled, mask) if part is not None)
            if failed:
                logit, pooled = torch.full_like(logit, torch.nan), torch.full_like(pooled, torch.nan)
            drawn = None
            if mask is not None and failed:
                drawn = np.zeros(self._series.shape, np.float16)
            elif mask is not None:
                fit = fit_of(self._series, index, self._card.contract, self._planes)
                drawn = fit.back(torch.sigmoid(mask[0, 0]).numpy()).astype(np.float16)
            return SlicePrediction(logit[0].numpy(), pooled[0].numpy(), drawn)


def around(series: Series, index: int, reach: int) -> range:
    """The slices on whose own answers that of a slice rests: as many on either side as there are, itself among them.

    Pictures that only lie in one folder have no neighbours.
    """
    if series.apart:
        return range(index, index + 1)
    return range(max(index - reach, 0), min(index + reach, series.slices - 1) + 1)


def mean_along(near: np.ndarray, own: int) -> np.ndarray:
    """Mean logits ``(K,)`` of a slice and those beside it, ``(n, K)``; ``own`` is the slice's row.

    A neighbour that failed is none; a slice that failed has no answer, whatever its neighbours say.
    """
    finite = np.isfinite(near).all(1)
    return near[own] if not finite[own] or len(near) == 1 else near[finite].mean(0, dtype=np.float32)


def smoothed(logits: np.ndarray, series: Series, reach: int) -> np.ndarray:
    """The answers ``(slices, K)`` of a series from each slice's own, as :class:`Reading` gives them."""
    windows = [around(series, index, reach) for index in range(len(logits))]
    return np.stack([mean_along(logits[list(near)], near.index(index)) for index, near in enumerate(windows)])


def predict_series(
    net: OverreadNet,
    card: ModelCard,
    series: Series,
    *,
    indices: list[int] | None = None,
    progress: Callable[[float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> SeriesPrediction:
    """Run a model over slices, one at a time.

    Raises:
        ContractError: the series does not fit the model's contract.
        InterruptedError: ``stop`` returned true.
    """
    wanted = list(range(series.slices)) if indices is None else indices
    reading = Reading(net, card, series)
    found = []
    started = time.perf_counter()
    for place, index in enumerate(wanted):
        if stop is not None and stop():
            raise InterruptedError
        found.append(reading.at(index))
        if progress is not None:
            progress((place + 1) / len(wanted))
    seconds = (time.perf_counter() - started) / max(len(wanted), 1)
    masks = [one.mask_probability for one in found if one.mask_probability is not None]
    return SeriesPrediction(
        np.stack([one.logits for one in found]),
        np.stack([one.features for one in found]),
        np.stack(masks) if masks else None,
        seconds,
    )


def answered(
    net: OverreadNet, card: ModelCard, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """A model's answer to prepared images ``(B, C, H, W)``, averaged over the card's test-time flips.

    Returns:
        float32 logits ``(B, K)``, pooled features ``(B, F)`` of the images as they are, and mask logits
        ``(B, 1, H, W)`` or ``None``.
    """
    logits, features, mask, _ = passed(net, card, x)
    return logits, features, mask


def passed(
    net: OverreadNet, card: ModelCard, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, Trace]:
    """As :func:`answered`, and what is left of the images as they are; the flips are in one batch with them."""
    mirrored = "horizontal" in card.test_time_flips
    out, stages = net.run_with_stages(torch.cat([x, x.flip(-1)]) if mirrored else x)
    logits, features, mask = out.logits.float(), out.features.float(), out.mask_logits
    if mirrored:
        count = len(x)
        logits, features = (logits[:count] + logits[count:]) / 2, features[:count]
        mask = None if mask is None else (mask[:count] + mask[count:].flip(-1)) / 2
    alone = out.gates and len(x) == 1  # then the outline is explained from the tap and the gates
    trace = Trace(stages[-1:] if alone else stages, out.mask_logits, out.gates).each(lambda one: one[: len(x)])
    return logits, features, None if mask is None else mask.float(), trace


def masks_from(card: ModelCard, probability: np.ndarray) -> np.ndarray:
    """Binary masks ``(slices, height, width)`` at the card's mask threshold; specks below its minimum size go."""
    masks = probability.astype(np.float32) >= card.mask_threshold
    small = masks.sum((1, 2)) < card.mask_min_pixels
    masks[small] = False
    return masks
