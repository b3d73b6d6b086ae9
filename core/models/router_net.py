"""The network that names the kind of an image: ImageNet's eyes and a small head, milliseconds to ask."""

from __future__ import annotations

from typing import Any, cast

import timm
import torch
from timm.layers import BatchNormAct2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

TRUNK = "tf_efficientnet_lite0"
WIDTHS = (16, 24, 40, 80, 112, 192, 320)  # channels after each of the trunk's blocks
FIRST = 1  # block from which on feature maps are pooled: before it there are only edges
FEATURES = 2 * sum(WIDTHS[FIRST:])
HIDDEN = 128


def cut(whole: Any) -> tuple[nn.Sequential, nn.ModuleList]:
    """Stem and blocks that are used of timm's network called ``TRUNK``."""
    return nn.Sequential(whole.conv_stem, whole.bn1), nn.ModuleList(whole.blocks)


def fold(net: nn.Module) -> None:
    """Put every batch norm that follows a convolution into its weights, in place; the norm's activation stays.

    The answers are the same to within rounding, and a sixth of the time goes: a pass over the maps for every norm. For
    a network in eval mode that is only asked; it cannot be trained on, nor filled from a file of what was trained.

    Args:
        net: of timm's blocks, in which a convolution is followed by the norm of its own output.
    """
    for block in list(net.modules()):
        before: tuple[str, nn.Conv2d] | None = None
        for name, module in list(block.named_children()):
            if isinstance(module, nn.Conv2d):
                before = name, module
            elif isinstance(module, BatchNormAct2d) and before is not None:
                setattr(block, before[0], fuse_conv_bn_eval(before[1], module))
                setattr(block, name, module.act)
                before = None


class RouterNet(nn.Module):
    """The blocks of EfficientNet-Lite0 for one grey channel, pooled, and a head of two layers.

    The pooled features are the mean and the spread over the picture of every channel of six feature maps, from the
    grain of a scan to what objects are made of: with the early ones alone a small smooth photograph looks like a lesion
    crop, and one brain sequence like another. The head sees them standardised. Frozen trunk, trained head: few images
    of each kind are enough, and images of kinds that were never shown land where they belong.

    Args:
        kinds: number of kinds of images it tells apart.
    """

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.stem, self.blocks = cut(timm.create_model(TRUNK, pretrained=False, num_classes=0, in_chans=1))
        self.centre: torch.Tensor
        self.spread: torch.Tensor
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.head = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, kinds))

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(B, FEATURES)`` of images ``(B, 1, H, W)`` in [0, 1]."""
        out, kept = self.stem(2 * x - 1), []
        for number, block in enumerate(self.blocks):
            out = block(out)
            if number >= FIRST:
                kept += [out.mean((2, 3)), out.std((2, 3))]
        return torch.cat(kept, 1)

    def judged(self, features: torch.Tensor) -> torch.Tensor:
        """Logits ``(B, kinds)`` of features as :meth:`pooled` gives them."""
        return cast("torch.Tensor", self.head((features - self.centre) / self.spread))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits ``(B, kinds)`` of images ``(B, 1, H, W)`` in [0, 1]."""
        return self.judged(self.pooled(x))
