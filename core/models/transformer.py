"""Vision Transformers of timm's blocks, cut into stages whose maps are the tokens, each where its patch lies.

No class token: the tokens behind the last norm are averaged, as a convolutional network's map is, so that head, heat
maps and auxiliary masks are those of every other classifier here (Zhai et al. 2022, arXiv:2106.04560, section 3.3).
"""

from __future__ import annotations

from pathlib import Path

import torch
from timm.layers import build_sincos2d_pos_embed, resample_abs_pos_embed
from torch import nn

from core.errors import ModelUnavailableError
from core.models import trunks
from core.models.net import Trunk

PATCH = 16
STEM = (24, 48, 96, 192)  # filters of the stem's convolutions, each of stride two; the last is the tokens' width
DEPTH = 5  # blocks behind it


class Patches(nn.Module):
    """What a patch of 16 x 16 pixels holds as a token, with its place: ``(B, D, h, w)``, a token a place.

    The places are learnt for one size and resampled for others; they begin as sines of row and column.

    Args:
        project: gives the tokens as a map. width: D. grid: ``(h, w)`` of the size that the network is made for.
    """

    def __init__(self, project: nn.Module, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.project = project
        self.grid = grid
        self.place = nn.Parameter(build_sincos2d_pos_embed(list(grid), width, interleave_sin_cos=True)[None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The tokens where they lie."""
        x = self.project(x)
        grid = (int(x.shape[2]), int(x.shape[3]))
        place = self.place
        if grid != self.grid:
            place = resample_abs_pos_embed(place, grid, self.grid, num_prefix_tokens=0)
        return x + place.transpose(1, 2).reshape(1, -1, *grid)


class Layers(nn.Module):
    """Transformer blocks over the tokens of a map ``(B, D, h, w)``, which stay where they are."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The map after the blocks."""
        tokens = self.blocks(x.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).reshape(x.shape)


def vit_tiny(channels: int, size: tuple[int, int], pretrained: str | Path | None) -> Trunk:
    """ViT-Tiny (12 blocks, 3 heads, width 192; Touvron et al. 2021, arXiv:2012.12877); a map every four blocks.

    Args:
        channels: input channels. size: ``(height, width)`` in pixels, multiples of 16. pretrained: as in the registry.
    """
    height, width = size
    options = {"img_size": size, "class_token": False, "global_pool": "avg", "fc_norm": False}
    m = trunks.timm_model("vit_tiny_patch16_224", channels, pretrained, **options)
    grid = (height // PATCH, width // PATCH)
    blocks = list(m.blocks)
    stages = [
        Patches(m.patch_embed.proj, m.embed_dim, grid),
        Layers(*blocks[:4]),
        Layers(*blocks[4:8]),
        Layers(*blocks[8:], m.norm),
    ]
    return Trunk(stages, [m.embed_dim] * 3, [1, 2, 3])


def vit_stem(channels: int, size: tuple[int, int], pretrained: str | Path | None) -> Trunk:
    """A transformer of five blocks (3 heads, width 192) behind four convolutions (Xiao et al. 2021, arXiv:2106.14881).

    Early convolutions see edges from the first step on, where a projection of whole patches has to learn them from
    many pictures. The maps are those of the second and third convolution, at a quarter and an eighth of the side, and
    the tokens.

    Args:
        channels: input channels. size: ``(height, width)`` in pixels, multiples of 16.
        pretrained: there are no published weights, so ``None``.

    Raises:
        ModelUnavailableError: initial weights asked for.
    """
    if pretrained is not None:
        raise ModelUnavailableError(
            "There are no published weights for vit_stem.", "Train it from scratch, or from pretrain --self-supervised."
        )
    height, width = size
    first, second, third, fourth = (
        _convolved(before, after) for before, after in zip((channels, *STEM[:-1]), STEM, strict=True)
    )
    tokens = nn.Sequential(fourth, nn.Conv2d(STEM[-1], STEM[-1], 1))
    options = {"img_size": size, "class_token": False, "global_pool": "avg", "fc_norm": False, "depth": DEPTH}
    m = trunks.timm_model("vit_tiny_patch16_224", channels, None, **options)
    stages = [
        nn.Sequential(first, second),
        third,
        Patches(tokens, STEM[-1], (height // PATCH, width // PATCH)),
        Layers(*m.blocks, m.norm),
    ]
    return Trunk(stages, [*STEM[1:3], STEM[-1]], [0, 1, 3])


def _convolved(channels: int, filters: int) -> nn.Sequential:
    """A 3x3 convolution of stride two, batch norm and ReLU; half the side."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()
    )
