"""The small network that names the kind of an image: seconds to train on, milliseconds to ask."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import nn

WIDTHS = (16, 32, 64, 128)


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, basic block)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut: nn.Module = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", torch.relu(self.body(x) + self.shortcut(x)))


class RouterNet(nn.Module):
    """A ResNet-10 of quarter width for one grey channel.

    Args:
        kinds: number of kinds of images it tells apart.
        widths: channels of the four stages.
    """

    def __init__(self, kinds: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        stages = [_Block(widths[0], widths[0], 1)]
        stages += [_Block(before, after, 2) for before, after in pairwise(widths)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(widths[-1], kinds)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits ``(B, kinds)`` and pooled features ``(B, widths[-1])`` of images ``(B, 1, H, W)`` in [0, 1]."""
        features = self.stages(self.stem(x - 0.5)).mean((2, 3))
        return self.head(features), features
