"""A light mask decoder that supervises a classifier with masks during training; it is not shipped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from core.models.net import OverreadNet


class MaskHead(nn.Module):
    """Feature pyramid on a classifier's maps: 1x1 convolutions to one width, summed from coarse to fine, one logit.

    Only 1x1 convolutions, nearest-neighbour enlargement and one 3x3 convolution to a single channel, so that it costs
    little beside the backbone. Feed it with :meth:`OverreadNet.run_with_stages`; the backbone runs once.

    Args:
        net: the classifier whose maps it will see.
        width: channels of the pyramid.

    Raises:
        TypeError: the network draws masks itself.
    """

    def __init__(self, net: OverreadNet, width: int = 64) -> None:
        super().__init__()
        if net.draws_masks:
            raise TypeError(f"{net.architecture} draws masks itself and needs no auxiliary decoder")
        self.lateral = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in net.stage_channels)
        self.norm = nn.BatchNorm2d(width)
        self.logit = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, stages: Sequence[torch.Tensor]) -> torch.Tensor:
        """Mask logits ``(B, 1, H/4, W/4)`` in float32 from the maps of :meth:`OverreadNet.run_with_stages`."""
        x = self.lateral[-1](stages[-1])
        for lateral, stage in zip(reversed(self.lateral[:-1]), reversed(stages[:-1]), strict=True):
            x = lateral(stage) + functional.interpolate(x, size=stage.shape[-2:], mode="nearest")
        logits: torch.Tensor = self.logit(torch.relu(self.norm(x)))
        return logits.float()
