"""The network that names the kind of an image: ImageNet's eyes and a small head, milliseconds to ask."""

from __future__ import annotations

from typing import Any, cast

import timm
import torch
from torch import nn

TRUNK = "tf_efficientnet_lite0"
WIDTHS = (16, 24, 40, 80, 112, 192, 320)  # channels after each of the trunk's blocks
FIRST = 1  # block from which on feature maps are pooled: before it there are only edges
FEATURES = 2 * sum(WIDTHS[FIRST:])
HIDDEN = 128


def cut(whole: Any) -> tuple[nn.Sequential, nn.ModuleList]:
    """Stem and blocks that are used of timm's network called ``TRUNK``."""
    return nn.Sequential(whole.conv_stem, whole.bn1), nn.ModuleList(whole.blocks)


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
