"""What supervises a classifier with masks during training; none of it is shipped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from core.models.net import OverreadNet

EVIDENT = 16.0  # a place says so much for the finding, in logits, where it counts as marked


class EvidenceHead(nn.Module):
    """The classifier's own evidence for its finding at every place of the tap, as mask logits; it adds no weights.

    The logit of a linear head is the mean of this evidence over all places, and Grad-CAM its positive part. So a mask
    that teaches it teaches the heat map itself.

    Args:
        net: the classifier, of two classes, with a linear head.

    Raises:
        TypeError: another head.
    """

    def __init__(self, net: OverreadNet) -> None:
        super().__init__()
        if net.linear_weight is None or net.outputs != 1:
            raise TypeError(f"{net.architecture} has no evidence at every place: two classes and a linear head have")
        self._net = [net]  # in a list: its parameters are its own, not this head's

    def forward(self, stages: Sequence[torch.Tensor]) -> torch.Tensor:
        """Mask logits ``(B, 1, h, w)`` in float32 from the maps of :meth:`OverreadNet.run_with_stages`."""
        weight, tap = self._net[0].linear_weight, stages[-1]
        assert weight is not None
        with torch.autocast(tap.device.type, enabled=False):
            evidence = torch.einsum("kc,bchw->bkhw", weight.float(), tap.float())
        return (evidence - EVIDENT) / 8


def brightest_place(coverage: torch.Tensor) -> torch.Tensor:
    """Which places of a coarse grid a mask marks, 0 or 1: those that it covers half as well as the one it covers best.

    Args:
        coverage: ``(B, 1, h, w)`` in [0, 1]. A lesion smaller than a place covers none of them by half.
    """
    most = coverage.amax((2, 3), keepdim=True)
    return ((coverage >= most / 2) & (most > 0)).to(coverage.dtype)


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
