"""U-Net on an EfficientNet-Lite: draws a mask and answers for the whole image, in two classes or in more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from core.models import trunks
from core.models._register import Spec, register
from core.models.heads import pool, topk_logit, topk_pixels
from core.models.net import OverreadNet, TrunkNet
from core.models.output import Output
from core.models.way_back import Block, Decoder, Step

WIDTHS = (128, 64, 40, 24)  # of the decoder, from the tap up to half the input's size


class Up(nn.Module):
    """Twice the size, joined with the encoder's map of that size, then two 3x3 convolutions with norm and ReLU."""

    def __init__(self, channels: int, skip: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for source in (channels + skip, width):
            layers += [nn.Conv2d(source, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """``(B, channels, H, W)`` and ``(B, skip, 2 H, 2 W)`` to ``(B, width, 2 H, 2 W)``."""
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        out: torch.Tensor = self.convolutions(torch.cat([x, skip], 1))
        return out


class LiteUNet(TrunkNet):
    """See the module docstring.

    The mask is drawn at half the input's size and its log-odds enlarged linearly, so its outline still lies between
    pixels: the last enlargement by convolutions would cost a third of a training on a processor.

    The logits join the two things the network knows, as in :class:`core.models.segmenters.EncoderUNet`: a linear
    reading of the pooled tap, and ``a * topk_logit(mask) + b``. With more than two classes that second term counts for
    every class but the first, which is the one without a finding: a drawn mask says that there is something, not what.
    """

    draws_masks = True
    walks_back = True

    def __init__(self, number: int, spec: Spec) -> None:
        trunk = trunks.efficientnet_lite(number, spec.channels, spec.pretrained, masks=True)
        name = f"unet_efficientnet_lite{number}"
        super().__init__(name, trunk, classes=spec.classes, channels=spec.channels, size=spec.size, divisor=32)
        skips = tuple(reversed(trunk.channels[:-1]))
        sources = (trunk.channels[-1], *WIDTHS[:-1])
        self.decoder = nn.ModuleList(Up(*sizes) for sizes in zip(sources, skips, WIDTHS, strict=True))
        self.mask = nn.Conv2d(WIDTHS[-1], 1, 3, padding=1)
        self.linear = nn.Linear(trunk.channels[-1], spec.outputs)
        nn.init.normal_(self.linear.weight, std=1e-3)
        nn.init.zeros_(self.linear.bias)
        self.mask_scale = nn.Parameter(torch.ones(()))
        self.mask_shift = nn.Parameter(torch.zeros(()))

    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """See :class:`OverreadNet`."""
        x = tap = stages[-1]
        for block, skip in zip(self.decoder, reversed(stages[:-1]), strict=True):
            x = block(x, skip)
        mask = functional.interpolate(self.mask(x).float(), scale_factor=2, mode="bilinear")
        features = pool(tap)
        with torch.autocast(tap.device.type, enabled=False):
            from_mask = self.mask_scale * topk_logit(mask, topk_pixels(*mask.shape[-2:])) + self.mask_shift
            if self.outputs > 1:
                from_mask = functional.pad(from_mask.expand(-1, self.outputs - 1), (1, 0))
            return Output(self.linear(features) + from_mask, tap, features, mask_logits=mask)

    def decoder_back(self) -> Decoder:
        """See :class:`OverreadNet`."""
        blocks, deep = [], self.stage_channels[-1]
        for block in cast("Sequence[Up]", self.decoder):
            first, norm, _, second, second_norm, _ = cast("Sequence[Any]", block.convolutions)
            blocks.append(Block(Step.of(first, norm, deep), Step.of(second, second_norm)))
            deep = second.out_channels
        return Decoder(tuple(blocks), Step.of(self.mask), enlarged=True)


@register
def unet_efficientnet_lite0(spec: Spec) -> OverreadNet:
    """U-Net on EfficientNet-Lite0."""
    return LiteUNet(0, spec)


@register
def unet_efficientnet_lite1(spec: Spec) -> OverreadNet:
    """U-Net on EfficientNet-Lite1."""
    return LiteUNet(1, spec)


@register
def unet_efficientnet_lite2(spec: Spec) -> OverreadNet:
    """U-Net on EfficientNet-Lite2."""
    return LiteUNet(2, spec)
