"""Grad-CAM (Selvaraju et al., 2017) from the forward pass that gave the answer.

The backbone runs without gradients; they are tracked from the tap to the logit only, so a heat map costs about one
forward pass. Scaling follows pytorch-grad-cam step by step, so that maps compare with those of the field's library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.models.heads import activation, mask_score, weighted
from core.models.net import OverreadNet
from core.models.output import Output, Trace

Target = int | Literal["mask"]
Maps = tuple[NDArray[np.float32], NDArray[np.float32]]  # as grad_cam returns them
_EPSILON = 1e-7


def explain_forward(net: OverreadNet, x: torch.Tensor) -> Output:
    """One forward pass whose output can be explained: gradients are tracked from the tap on.

    Finer maps that a segmenter's decoder also reads are constants here: the tap is what is asked about.

    Args:
        net: the network, in evaluation mode.
        x: ``(B, C, H, W)``.
    """
    net.check_input(x)
    # A tensor made in inference mode can never be differentiated, so leave that mode should the caller be in it.
    with torch.inference_mode(False):
        return explain_maps(net, net.maps(x.clone() if x.is_inference() else x))


def explain_maps(net: OverreadNet, stages: Sequence[torch.Tensor]) -> Output:
    """As :func:`explain_forward`, from the maps of an answer that was given before."""
    with torch.inference_mode(False), torch.enable_grad():
        tap = stages[-1].detach().requires_grad_()
        return net.output_from_stages([*stages[:-1], tap])


def explain(net: OverreadNet, x: torch.Tensor, trace: Trace | None) -> Output:
    """:func:`explain_maps` where an answer about these very images left all that takes, else :func:`explain_forward`.

    Args:
        trace: what that answer left; of an outline it may be less than the maps (:class:`core.models.output.Trace`).
    """
    if trace is None or (trace.gates and len(trace.stages) < len(net.stage_channels)):
        return explain_forward(net, x)
    return explain_maps(net, trace.stages)


def grad_cam(
    output: Output, target: Target, *, size: tuple[int, int], linear_weight: torch.Tensor | None = None
) -> Maps:
    """Heat maps of a batch.

    Args:
        output: from :func:`explain_forward` (any output will do when ``linear_weight`` is given).
        target: class index; for a binary network 1 explains the logit and 0 its negative. ``"mask"`` explains the
            mask: the sum of its logits where it is positive, or over the strongest pixels when it is empty.
        size: ``(height, width)`` of the maps, in pixels.
        linear_weight: :attr:`OverreadNet.linear_weight`; then the gradient is known without differentiating.

    Returns:
        ``(maps, peaks)``: float32 ``(B, height, width)`` in [0, 1], each scaled by itself, and float32 ``(B,)``, the
        largest value before scaling (0 where nothing speaks for the target, and the map is empty).

    Raises:
        ValueError: no such class or no mask; or an output whose tap takes no part in the logits.
    """
    if linear_weight is None or target == "mask":
        raw = activation(target_score(output, target), output.tap)
    else:
        raw = weighted(linear_means(output.tap, target, linear_weight), output.tap)
    peaks = raw.amax((1, 2))
    return scale_maps(raw, size), peaks.numpy(force=True)


def outline_cam(net: OverreadNet, trace: Trace, *, size: tuple[int, int]) -> Maps:
    """:func:`grad_cam` of the mask, from what an answer left."""
    raw = net.outline_map(trace)
    return scale_maps(raw, size), raw.amax((1, 2)).numpy(force=True)


def class_score(logits: torch.Tensor, target: int) -> torch.Tensor:
    """The scores ``(B,)`` of class ``target`` from logits ``(B, K)``; a single logit gives two opposite scores."""
    binary = logits.shape[1] == 1
    if not 0 <= target < (2 if binary else logits.shape[1]):
        raise ValueError(f"there is no class {target} among {2 if binary else logits.shape[1]}")
    if binary:
        return logits[:, 0] if target == 1 else -logits[:, 0]
    return logits[:, target]


def scale_maps(raw: torch.Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """:func:`scaled` as an array, float32."""
    return scaled(raw, size).numpy(force=True).astype(np.float32, copy=False)


def scaled(raw: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Min-max scale ``(B, h, w)``, enlarge bilinearly to ``size``, and scale again to [0, 1]."""
    return _unit(functional.interpolate(_unit(raw)[:, None], size=size, mode="bilinear", align_corners=False)[:, 0])


def _unit(maps: torch.Tensor) -> torch.Tensor:
    maps = maps - maps.amin((1, 2), keepdim=True)
    return maps / (maps.amax((1, 2), keepdim=True) + _EPSILON)


def target_score(output: Output, target: Target) -> torch.Tensor:
    """What a map of ``target`` follows back to the tap: ``(B,)``. Arguments and errors as for :func:`grad_cam`."""
    if target != "mask":
        score = class_score(output.logits, target)
    elif output.mask_logits is None:
        raise ValueError("this network draws no mask to explain")
    else:
        score = mask_score(output.mask_logits)
    if not score.requires_grad or not output.tap.requires_grad:
        raise ValueError("this output has no gradients from the tap on: take it from explain_forward")
    return score


def linear_means(tap: torch.Tensor, target: int, weight: torch.Tensor) -> torch.Tensor:
    """Gradient ``(B, C)`` of ``mean(tap) @ weight.T``: the weight over the number of positions, everywhere the same.

    Args:
        tap: ``(B, C, h, w)``. target: class index. weight: ``(K, C)``, :attr:`OverreadNet.linear_weight`.
    """
    area = tap.shape[2] * tap.shape[3]
    rows = class_score(weight.detach().float().T, target) / area
    return rows.expand(tap.shape[0], -1)
