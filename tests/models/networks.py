"""Networks for tests: small inputs, and weights and statistics as lively as after training."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from core.models.net import OverreadNet
from core.models.registry import create

# 96 pixels would leave the first a tap of 1x1, and the U-Nets one of 3x3, whose map may well be empty.
SIZES = {"inception_resnet_v2": (139, 139)} | {f"unet_efficientnet_lite{n}": (160, 160) for n in range(3)}


def lively(architecture: str, classes: int = 2, channels: int = 1) -> OverreadNet:
    """A network whose batch norms hold the statistics of :func:`images` and weights off one, as after training.

    With the fresh statistics (0 and 1) activations grow through the residual sums until every image looks the same.
    """
    torch.manual_seed(7)
    net = create(architecture, classes=classes, channels=channels, size=SIZES.get(architecture, (96, 96)))
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm3d | nn.BatchNorm2d | nn.BatchNorm1d)]
    for norm in norms:
        norm.weight.data.uniform_(0.7, 1.3)
        norm.bias.data.uniform_(-0.2, 0.2)
        norm.momentum = 1.0
    with torch.no_grad():
        net.train().run(images(net, 4))
    for norm in norms:
        norm.momentum = 0.1
    return net.eval()


def images(net: OverreadNet, count: int = 2) -> torch.Tensor:
    """Random images of the network's size, smooth enough to give different maps."""
    coarse = torch.randn(count, net.channels, 6, 6, generator=torch.Generator().manual_seed(11))
    fine = torch.randn(count, net.channels, *net.size, generator=torch.Generator().manual_seed(12))
    return nn.functional.interpolate(coarse, size=net.size, mode="bicubic") + 0.3 * fine


def clean_copy(net: nn.Module) -> Any:
    """A copy without in-place activations, which corrupt what pytorch-grad-cam 1.5.7 stores."""
    twin: Any = copy.deepcopy(net)
    for module in twin.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return twin
