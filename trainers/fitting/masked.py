"""Self-supervised pretraining of a Vision Transformer: a masked autoencoder, which sees images and no label.

He et al., CVPR 2022 (arXiv:2111.06377): three quarters of the patches are left out, the encoder reads the rest, and a
small decoder draws what was left out, each patch on its own mean and spread. A convolutional network cannot read a
picture with holes at a quarter of the cost, so this is for transformers. Convolutions before the tokens look across the
edge of a patch, so what is left out is blank in the very picture.
"""

from __future__ import annotations

from typing import cast

import torch
from timm.layers import build_sincos2d_pos_embed
from timm.models.vision_transformer import Block
from torch import nn

from core.errors import RecipeError
from core.models.transformer import PATCH, Layers, Patches
from trainers.fitting.augment import geometric, photometric
from trainers.fitting.pooled import SEED, Pooled, Task
from trainers.fitting.precision import autocast
from trainers.fitting.recipe import Augment

RECIPES = ("brain-unet", "brain-type", "chest-densenet", "breast-resnet18", "pet-unet", "mr-pet-pet", "mr-pet-mr")
SIZE = 160  # height and width of all images in pixels, whatever their recipes ask for
SEEN = 0.25  # share of the patches that the encoder reads
CHANGES = Augment(crop=0.5, flip_horizontal=True, rotation=10, gain=0.15, bias=0.1)
WIDTH, DEPTH, HEADS = 128, 2, 4  # of the decoder
JUDGED = 128  # validation images of a task


class Drawer(nn.Module):
    """The decoder: tokens of the patches seen, and places, to the pixels of all patches.

    Args:
        width: of the encoder's tokens. grid: patches ``(rows, columns)``.
    """

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.enter = nn.Linear(width, WIDTH)
        self.missing = nn.Parameter(torch.zeros(1, 1, WIDTH))
        nn.init.normal_(self.missing, std=0.02)
        self.register_buffer("place", build_sincos2d_pos_embed(list(grid), WIDTH, interleave_sin_cos=True)[None])
        self.blocks = nn.Sequential(*(Block(WIDTH, HEADS) for _ in range(DEPTH)))
        self.pixels = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, PATCH * PATCH))

    def forward(self, tokens: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Pixels ``(B, N, 256)`` from tokens ``(B, n, D)`` of the patches numbered ``seen`` ``(B, n)``."""
        count = cast("torch.Tensor", self.place).shape[1]
        entered = self.enter(tokens)
        every = self.missing.to(entered.dtype).expand(len(tokens), count, WIDTH)
        every = every.scatter(1, seen[:, :, None].expand(-1, -1, WIDTH), entered)
        drawn: torch.Tensor = self.pixels(self.blocks(every + cast("torch.Tensor", self.place)))
        return drawn


def patches(images: torch.Tensor) -> torch.Tensor:
    """Pixels ``(B, N, 256)`` of the middle channel's patches, each less its mean and over its spread."""
    middle = images[:, images.shape[1] // 2 :][:, :1]
    pixels = nn.functional.unfold(middle, PATCH, stride=PATCH).transpose(1, 2)
    spread = (pixels.var(2, keepdim=True) + 1e-6).sqrt()
    return (pixels - pixels.mean(2, keepdim=True)) / spread


def hidden_patches(images: int, count: int, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers ``(B, n)`` of the patches that are seen, and bool ``(B, N)``: which are left out."""
    order = torch.rand(images, count, generator=rng).argsort(1)
    seen = order[:, : max(1, round(SEEN * count))]
    return seen, torch.ones(images, count, dtype=torch.bool).scatter(1, seen, value=False)


def blanked(images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Images ``(B, C, H, W)`` with 0 in the patches that are left out, bool ``(B, N)``."""
    rows, columns = images.shape[2] // PATCH, images.shape[3] // PATCH
    holes = hidden.reshape(-1, 1, rows, columns).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
    return images.masked_fill(holes, 0)


class MaskedAutoencoder(Pooled):
    """See the module docstring.

    Raises:
        RecipeError: the architecture is no Vision Transformer.
    """

    lr = 1e-3
    betas = (0.9, 0.95)
    labels = False

    def beside(self) -> dict[str, nn.Module]:
        """The decoder."""
        tokens = [module for module in self._encoder() if isinstance(module, Patches)]
        if not tokens:
            raise RecipeError(
                f"{self.architecture} cannot be pretrained on images with holes: it reads no patches.",
                "Use --architecture vit_tiny or vit_stem, or pretrain with labels: leave --self-supervised out.",
            )
        return {"drawer": Drawer(self.net.stage_channels[-1], tokens[0].grid)}

    def _encoder(self) -> list[nn.Module]:
        """The encoder's modules from the input on: some convolutions or none, :class:`Patches`, :class:`Layers`."""
        return [module for group in self.net.stages() for module in group]

    def _missed(self, images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Mean squared error on the patches that were left out, a scalar."""
        device = self.fabric.device
        target = patches(images).to(device)
        seen, hidden = (part.to(device) for part in hidden_patches(len(images), target.shape[1], rng))
        x = blanked(images.to(device), hidden)
        for module in self._encoder():
            if isinstance(module, Layers):
                x = module.blocks(x)
                continue
            x = module(x)
            if isinstance(module, Patches):
                x = x.flatten(2).transpose(1, 2)
                x = x.gather(1, seen[:, :, None].expand(-1, -1, x.shape[2]))
        drawn = self.parts["drawer"](x, seen).float()
        return ((drawn - target) ** 2).mean(2)[hidden].mean()

    def loss(self, task: Task, rng: torch.Generator) -> torch.Tensor:
        """Error of the patches left out, on changed images of one task."""
        rows = torch.randint(len(task.train), (self.batch,), generator=rng)
        images, _ = geometric(task.train.images(rows), None, CHANGES, rng)
        images = photometric(images, CHANGES, rng)
        with self.fabric.autocast():
            return self._missed(images, rng)

    def judge(self) -> dict[str, float]:
        """Error on validation images of every task, with the same holes each time; 1 is the patch's mean everywhere."""
        self.parts.eval()
        found = {}
        with torch.inference_mode(), autocast(self.fabric.device):
            for task in self.tasks:
                rng = torch.Generator().manual_seed(SEED)
                rows = torch.randperm(len(task.validation), generator=rng)[:JUDGED]
                found[f"error {task.name}"] = float(self._missed(task.validation.images(rows), rng))
        return found
