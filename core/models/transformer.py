"""Vision Transformers of timm, cut into stages whose maps are the tokens, each where its patch lies.

No class token: the tokens behind the last norm are averaged, as a convolutional network's map is, so that head, heat
maps and auxiliary masks are those of every other classifier here (Zhai et al. 2022, arXiv:2106.04560, section 3.3).
"""

from __future__ import annotations

from pathlib import Path

import torch
from timm.layers import build_sincos2d_pos_embed, resample_abs_pos_embed
from torch import nn

from core.models import trunks
from core.models.net import Trunk

PATCH = 16


class Patches(nn.Module):
    """Patches of 16 x 16 pixels as tokens, with their places: ``(B, C, H, W)`` to ``(B, D, H/16, W/16)``.

    The places are learnt for one size and resampled for others; they begin as sines of row and column.
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
