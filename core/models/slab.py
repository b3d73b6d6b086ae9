"""A small three-dimensional network: a slab of neighbouring slices read as one volume, for the slice in its middle."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import nn

from core.errors import ModelUnavailableError
from core.models.net import Trunk

WIDTHS = (16, 32, 64, 96)
MOST = 9  # slices: four convolutions can take one off either end before the depth must be one


class Volume(nn.Module):
    """A 3-D convolution without padding along the depth, then a batch norm.

    With a depth of three it takes one slice off either end, with a depth of one it leaves the depth as it is.
    """

    def __init__(self, channels: int, filters: int, depth: int, side: int, stride: int) -> None:
        super().__init__()
        size, step, padding = (depth, side, side), (1, stride, stride), (0, side // 2, side // 2)
        self.conv = nn.Conv3d(channels, filters, size, step, padding, bias=False)
        self.norm = nn.BatchNorm3d(filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, channels, D, H, W)`` to ``(B, filters, D - depth + 1, H / stride, W / stride)``."""
        return cast("torch.Tensor", self.norm(self.conv(x)))


class Residual(nn.Module):
    """Two 3x3 convolutions, each of its depth, and a shortcut, which leaves out the slices that they take off."""

    def __init__(self, channels: int, filters: int, depths: tuple[int, int], stride: int) -> None:
        super().__init__()
        self.first = Volume(channels, filters, depths[0], 3, stride)
        self.second = Volume(filters, filters, depths[1], 3, 1)
        same = channels == filters and stride == 1
        self.shortcut = nn.Identity() if same else Volume(channels, filters, 1, 1, stride)
        self.off = (depths[0] + depths[1]) // 2 - 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, channels, D, H, W)`` to ``(B, filters, D - 2 * off, H / stride, W / stride)``."""
        kept = x[:, :, self.off : x.shape[2] - self.off] if self.off else x
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(kept))


class Stem(nn.Module):
    """Every slice by itself: a 5x5 convolution of stride two, batch norm, ReLU; ``(B, D, H, W)`` becomes a volume."""

    def __init__(self) -> None:
        super().__init__()
        self.volume = Volume(1, WIDTHS[0], 1, 5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, D, H, W)`` to ``(B, 16, D, H / 2, W / 2)``."""
        return torch.relu(self.volume(x.unsqueeze(1)))


class Middle(nn.Sequential):
    """Layers whose answer is the map of the middle slice, the only one that is left."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """``(B, C, D, H, W)`` to ``(B, C', H', W')``."""
        return cast("torch.Tensor", super().forward(input)).squeeze(2)


class SlabTrunk(Trunk):
    """Stem and residual blocks at a quarter, an eighth and a sixteenth of the side; the maps are the middle slice's.

    The first ``(slices - 1) / 2`` of the blocks' convolutions have a depth of three and take one slice off either end;
    then the depth is one, and the others have a depth of one. No depth is padded, so nothing but slices is ever read.

    Args:
        slices: of the slab, odd, 1 to 9; the middle one is asked about.
        pretrained: there are no initial weights, so ``None``.

    Raises:
        ModelUnavailableError: another number of slices, or initial weights asked for.
    """

    def __init__(self, slices: int, pretrained: str | Path | None = None) -> None:
        if pretrained is not None:
            raise ModelUnavailableError("The slab network has no initial weights.", "Train it from scratch.")
        if slices % 2 == 0 or not 1 <= slices <= MOST:
            raise ModelUnavailableError(
                f"slab3d reads an odd number of slices, 1 to {MOST}, not {slices}.",
                "Give the contract so many channels and context neighbours.",
            )
        deep = [3 if turn < slices // 2 else 1 for turn in range(8)]
        quarter, eighth, further, last = ((deep[n], deep[n + 1]) for n in (0, 2, 4, 6))
        stages = [
            Stem(),
            Residual(WIDTHS[0], WIDTHS[1], quarter, 2),
            nn.Sequential(Residual(WIDTHS[1], WIDTHS[2], eighth, 2), Residual(WIDTHS[2], WIDTHS[2], further, 1)),
            Middle(Residual(WIDTHS[2], WIDTHS[3], last, 2)),
        ]
        super().__init__(stages, WIDTHS[1:], [1, 2, 3])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Maps of the middle slice, finest first, for ``x`` of shape ``(B, slices, H, W)``."""
        return [m if m.dim() == 4 else m[:, :, m.shape[2] // 2] for m in super().forward(x)]
