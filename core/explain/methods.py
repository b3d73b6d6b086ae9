"""Further heat-map methods on request: what the tap and its gradient tell by ourselves, the rest by pytorch-grad-cam.

LayerCAM and EigenCAM are :mod:`core.explain.tap_maps`. Grad-CAM++ and Score-CAM go through the library, which hooks a
layer. Given the shared network it would leave gradients on its parameters, and a map object that outlives its request
would keep its hooks; version 1.5.7 also stores an alias of the layer's output, which an in-place activation behind it
overwrites. So the library sees a small module of its own instead: the backbone runs without gradients, its tap is
copied and passes through an identity, and that identity is what gets hooked and thrown away.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.explain import tap_maps
from core.explain.gradcam import Target, class_score, explain_forward, grad_cam
from core.models.heads import mask_score
from core.models.net import OverreadNet

_LIBRARY = {
    "grad-cam++": "GradCAMPlusPlus",
    "score-cam": "ScoreCAM",
}
METHODS: tuple[str, ...] = ("grad-cam", *tap_maps.METHODS, *_LIBRARY)
"""Names for :func:`heat_map`. ``eigencam`` looks at the map's main direction only and ignores the target;
``score-cam`` runs the network once per channel of the tap (hundreds of passes)."""


class _FromTap(nn.Module):
    """The network with its tap exposed as a module of its own; gives the target's score ``(B, 1)``."""

    def __init__(self, net: OverreadNet, target: Target) -> None:
        super().__init__()
        self.net = net
        self.target = target
        self.tap = nn.Identity()
        self.explained = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stages = self.net.maps(x)
        tap = stages[-1].clone()
        if not self.explained:
            # Score-CAM calls again for every channel; the library would store the tap of each of those passes.
            tap = self.tap(tap.requires_grad_())
            self.explained = True
        output = self.net.output_from_stages([*stages[:-1], tap])
        if self.target != "mask":
            return class_score(output.logits, self.target)[:, None]
        if output.mask_logits is None:
            raise ValueError("this network draws no mask to explain")
        return mask_score(output.mask_logits)[:, None]


@contextmanager
def _untouched(net: OverreadNet) -> Iterator[None]:
    """Evaluation mode inside; training mode and parameter gradients as before afterwards."""
    training = net.training
    gradients = [parameter.grad for parameter in net.parameters()]
    net.eval()
    try:
        yield
    finally:
        for parameter, gradient in zip(net.parameters(), gradients, strict=True):
            parameter.grad = gradient
        net.train(training)


def heat_map(net: OverreadNet, x: torch.Tensor, target: Target, method: str = "grad-cam") -> NDArray[np.float32]:
    """Heat maps at the input's size by one of :data:`METHODS`.

    Args:
        net: the network; its mode and gradients are left as they were.
        x: ``(B, C, H, W)``.
        target: as for :func:`core.explain.gradcam.grad_cam`.
        method: one of :data:`METHODS`.

    Returns:
        float32 ``(B, H, W)`` in [0, 1], each map scaled by itself.

    Raises:
        ValueError: no such method, class or mask; ``eigencam`` asks for neither class nor mask.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method '{method}'; known are {', '.join(METHODS)}")
    net.check_input(x)
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(x.device.type, enabled=False),
        _untouched(net),
    ):
        x = x.detach().clone().float()
        if method == "grad-cam":
            return grad_cam(explain_forward(net, x), target, size=(x.shape[2], x.shape[3]))[0]
        if method in tap_maps.METHODS:
            return tap_maps.tap_map(net, x, target, method)
        # One image at a time: Score-CAM holds a masked copy of the image per channel.
        return np.concatenate([_by_library(net, image[None], target, _LIBRARY[method]) for image in x])


def _by_library(net: OverreadNet, x: torch.Tensor, target: Target, method: str) -> NDArray[np.float32]:
    # Imported on first use: the library takes a second to load, and most pages never ask for it.
    cam_class = getattr(importlib.import_module("pytorch_grad_cam"), method)
    module = _FromTap(net, target)
    with cam_class(model=module, target_layers=[module.tap]) as cam:
        maps = cam(input_tensor=x, targets=[_score])
    return np.asarray(maps, dtype=np.float32)


def _score(output: torch.Tensor) -> torch.Tensor:
    return output[0]
