"""The segmenters: networks that draw a mask and answer for the whole image too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, cast

import segmentation_models_pytorch as smp
import torch
from torch import nn

from core.errors import ModelUnavailableError
from core.models._register import Spec, register
from core.models.heads import pool, topk_logit, topk_pixels
from core.models.net import OverreadNet, Trunk, TrunkNet
from core.models.output import Output
from core.models.way_back import Block, Decoder, Step


class Residual(nn.Module):
    """Residual block: 1x1, norm, ReLU, 3x3, norm; a 1x1 shortcut with norm; add; ReLU. Convolutions keep biases."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, filters, 1),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
            nn.Conv2d(filters, filters, 3, padding=1),
            nn.BatchNorm2d(filters),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1), nn.BatchNorm2d(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, channels, H, W)`` to ``(B, filters, H, W)``."""
        return torch.relu(self.main(x) + self.shortcut(x))


class ResUNet(TrunkNet):
    """Residual U-Net of the brain-MR system (1,210,513 numbers at three input channels).

    The tap is the bottleneck, at a sixteenth of the input size. The image's logit is :func:`topk_logit` of the mask.
    """

    draws_masks = True
    walks_back = True

    def __init__(self, spec: Spec) -> None:
        stem = nn.Sequential(
            nn.Conv2d(spec.channels, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
        )
        widths = (16, 32, 64, 128, 256)
        down = [nn.Sequential(nn.MaxPool2d(2), Residual(a, b)) for a, b in itertools.pairwise(widths)]
        trunk = Trunk([stem, *down], widths, range(5))
        super().__init__("resunet", trunk, classes=spec.classes, channels=spec.channels, size=spec.size, divisor=16)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.decoder = nn.ModuleList(Residual(deep + skip, skip) for skip, deep in _pairs_from_bottom(widths))
        self.mask = nn.Conv2d(16, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """See :class:`OverreadNet`."""
        x = tap = stages[-1]
        for block, skip in zip(self.decoder, reversed(stages[:-1]), strict=True):
            x = block(torch.cat([self.upsample(x), skip], dim=1))
        mask = self.mask(x).float()
        return Output(topk_logit(mask, topk_pixels(*mask.shape[-2:])), tap, pool(tap), mask_logits=mask)

    def decoder_back(self) -> Decoder:
        """See :class:`OverreadNet`."""
        blocks, deep = [], self.stage_channels[-1]
        for block in cast("Sequence[Residual]", self.decoder):
            enter, norm, _, second, second_norm = cast("Sequence[Any]", block.main)
            beside, beside_norm = cast("Sequence[Any]", block.shortcut)
            blocks.append(
                Block(Step.of(enter, norm, deep), Step.of(second, second_norm), Step.of(beside, beside_norm, deep))
            )
            deep = second.out_channels
        return Decoder(tuple(blocks), Step.of(self.mask))


def _pairs_from_bottom(widths: tuple[int, ...]) -> list[tuple[int, int]]:
    """``(skip, deeper)`` channel counts from the bottleneck up."""
    return list(reversed(list(itertools.pairwise(widths))))


# Three quarters of the library's widths: on a CPU a third faster to train.
DECODER_CHANNELS = (192, 96, 48, 24, 12)


class EncoderUNet(OverreadNet):
    """U-Net on a ResNet encoder (segmentation-models-pytorch).

    The image's logit joins the two things the network knows: a linear reading of the pooled bottleneck, and
    ``a * topk_logit(mask) + b`` with learnt ``a`` (1 at first) and ``b`` (0 at first).
    """

    backbone: Any
    draws_masks = True
    walks_back = True

    def __init__(self, architecture: str, encoder: str, spec: Spec) -> None:
        super().__init__(architecture, classes=spec.classes, channels=spec.channels, size=spec.size, divisor=32)
        try:
            unet: Any = smp.Unet(
                encoder,
                encoder_weights=_encoder_weights(spec),
                decoder_channels=DECODER_CHANNELS,
                in_channels=spec.channels,
                classes=1,
                activation=None,
            )
        except OSError as error:
            raise ModelUnavailableError(
                f"The ImageNet weights of {encoder} could not be fetched: {error}.",
                "Connect to the internet once, or train without initial weights.",
            ) from error
        self.backbone = unet.encoder
        self.decoder = unet.decoder
        self.mask = unet.segmentation_head
        self.linear = nn.Linear(self.backbone.out_channels[-1], 1)
        nn.init.normal_(self.linear.weight, std=1e-3)
        nn.init.zeros_(self.linear.bias)
        self.mask_scale = nn.Parameter(torch.ones(()))
        self.mask_shift = nn.Parameter(torch.zeros(()))

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """See :class:`OverreadNet`."""
        return tuple(self.backbone.out_channels)

    @property
    def tap_module(self) -> nn.Module:
        """See :class:`OverreadNet`."""
        return self.backbone.layer4  # type: ignore[no-any-return]

    def feature_stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """See :class:`OverreadNet`; the first map is the input itself."""
        return list(self.backbone(x))

    def stages(self) -> tuple[tuple[nn.Module, ...], ...]:
        """See :class:`OverreadNet`."""
        b = self.backbone
        return (b.conv1, b.bn1), (b.layer1,), (b.layer2,), (b.layer3,), (b.layer4,)

    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """See :class:`OverreadNet`."""
        tap = stages[-1]
        mask = self.mask(self.decoder(list(stages))).float()
        features = pool(tap)
        with torch.autocast(tap.device.type, enabled=False):
            from_mask = self.mask_scale * topk_logit(mask, topk_pixels(*mask.shape[-2:])) + self.mask_shift
            return Output(self.linear(features) + from_mask, tap, features, mask_logits=mask)

    def decoder_back(self) -> Decoder:
        """See :class:`OverreadNet`."""
        blocks, deep = [], self.stage_channels[-1]
        for block in self.decoder.blocks:
            first, second = block.conv1, block.conv2
            blocks.append(Block(Step.of(first[0], first[1], deep), Step.of(second[0], second[1])))
            deep = second[0].out_channels
        return Decoder(tuple(blocks), Step.of(self.mask[0]))


def _encoder_weights(spec: Spec) -> str | None:
    if spec.pretrained not in (None, "imagenet"):
        raise ModelUnavailableError(
            "A U-Net cannot start from a RadImageNet file.", "Use 'imagenet' or no initial weights."
        )
    return None if spec.pretrained is None else "imagenet"


def _binary_only(architecture: str, spec: Spec) -> None:
    if spec.classes != 2:
        raise ModelUnavailableError(
            f"{architecture} draws one mask and so tells two classes apart, not {spec.classes}.",
            "Use a classifier for more classes.",
        )


@register
def resunet(spec: Spec) -> OverreadNet:
    """Residual U-Net of the brain-MR system, trained from scratch."""
    _binary_only("resunet", spec)
    if spec.pretrained is not None:
        raise ModelUnavailableError("The residual U-Net has no initial weights.", "Train it from scratch.")
    return ResUNet(spec)


@register
def unet_resnet18(spec: Spec) -> OverreadNet:
    """U-Net on ResNet-18."""
    _binary_only("unet_resnet18", spec)
    return EncoderUNet("unet_resnet18", "resnet18", spec)


@register
def unet_resnet34(spec: Spec) -> OverreadNet:
    """U-Net on ResNet-34."""
    _binary_only("unet_resnet34", spec)
    return EncoderUNet("unet_resnet34", "resnet34", spec)
