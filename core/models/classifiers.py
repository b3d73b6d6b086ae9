"""The classifiers: a trunk and a head each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from core.models import slab, transformer, trunks
from core.models._register import Spec, register
from core.models.heads import AttentionHead, ClassicVggHead, LinearHead, PooledMlpHead
from core.models.net import OverreadNet, Trunk, TrunkNet
from core.models.output import Output


class Classifier(TrunkNet):
    """A trunk whose tap a head turns into logits."""

    def __init__(self, architecture: str, spec: Spec, trunk: Trunk, head: nn.Module, *, divisor: int = 1) -> None:
        super().__init__(
            architecture, trunk, classes=spec.classes, channels=spec.channels, size=spec.size, divisor=divisor
        )
        self.head = head

    @property
    def linear_weight(self) -> torch.Tensor | None:
        """See :class:`OverreadNet`."""
        return self.head.linear.weight if isinstance(self.head, LinearHead) else None

    def head_from_tap(self, tap: torch.Tensor) -> Output:
        """See :class:`OverreadNet`."""
        return cast("Output", self.head(tap))

    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """See :class:`OverreadNet`."""
        return self.head_from_tap(stages[-1])


def _resnet(name: str, spec: Spec) -> OverreadNet:
    trunk = trunks.resnet(name, spec.channels, spec.pretrained)
    return Classifier(name, spec, trunk, LinearHead(trunk.channels[-1], spec.outputs))


@register
def resnet18(spec: Spec) -> OverreadNet:
    """ResNet-18 (breast MR)."""
    return _resnet("resnet18", spec)


@register
def resnet34(spec: Spec) -> OverreadNet:
    """ResNet-34 (MR, PET, and both)."""
    return _resnet("resnet34", spec)


@register
def resnet50(spec: Spec) -> OverreadNet:
    """ResNet-50 (brain MR, breast MR)."""
    return _resnet("resnet50", spec)


def _vgg16(name: str, spec: Spec) -> OverreadNet:
    trunk = trunks.vgg16(spec.channels, spec.pretrained, batch_norm=name.endswith("_bn"))
    head: nn.Module
    if min(spec.size) >= 224:
        head = ClassicVggHead(512, spec.outputs)
    else:
        head = PooledMlpHead(512, (1024, 1024), 0.5, spec.outputs)
    return Classifier(name, spec, trunk, head)


@register
def vgg16(spec: Spec) -> OverreadNet:
    """VGG-16 (breast MR).

    From 224 pixels on with its classic classifier of 120 million weights. Below that the last map is smaller than the
    7x7 grid that classifier looks at, so most of those weights would see repeated pixels, and a weight file of 240 MB
    is four times what may be shipped; the map is averaged instead and 1024 units take the place of 4096.
    """
    return _vgg16("vgg16", spec)


@register
def vgg16_bn(spec: Spec) -> OverreadNet:
    """VGG-16 with batch norm (breast MR), which unlike the plain one learns from random weights; heads as there."""
    return _vgg16("vgg16_bn", spec)


@register
def inception_resnet_v2(spec: Spec) -> OverreadNet:
    """InceptionResNetV2 with 1024 units and dropout 0.7 (PET cancer type). Needs at least 75 pixels a side."""
    trunk = trunks.inception_resnet("inception_resnet_v2", spec.channels, spec.pretrained)
    return Classifier("inception_resnet_v2", spec, trunk, PooledMlpHead(1536, (1024,), 0.7, spec.outputs))


@register
def densenet121_attention(spec: Spec) -> OverreadNet:
    """DenseNet-121 with channel and spatial attention (chest CT)."""
    trunk = trunks.densenet("densenet121", spec.channels, spec.pretrained)
    return Classifier("densenet121_attention", spec, trunk, AttentionHead(1024, spec.outputs))


@register
def efficientnet_b0(spec: Spec) -> OverreadNet:
    """EfficientNet-B0."""
    trunk = trunks.efficientnet("efficientnet_b0", spec.channels, spec.pretrained)
    return Classifier("efficientnet_b0", spec, trunk, LinearHead(trunk.channels[-1], spec.outputs))


def _efficientnet_lite(number: int, spec: Spec) -> OverreadNet:
    trunk = trunks.efficientnet_lite(number, spec.channels, spec.pretrained)
    return Classifier(f"efficientnet_lite{number}", spec, trunk, LinearHead(trunk.channels[-1], spec.outputs))


@register
def efficientnet_lite0(spec: Spec) -> OverreadNet:
    """EfficientNet-Lite0, for which ImageNet weights can be had from the registry (``imagenet-lite``)."""
    return _efficientnet_lite(0, spec)


@register
def efficientnet_lite1(spec: Spec) -> OverreadNet:
    """EfficientNet-Lite1, as Lite0 but deeper."""
    return _efficientnet_lite(1, spec)


@register
def efficientnet_lite2(spec: Spec) -> OverreadNet:
    """EfficientNet-Lite2, deeper and wider."""
    return _efficientnet_lite(2, spec)


@register
def vit_tiny(spec: Spec) -> OverreadNet:
    """Vision Transformer, tiny (a wish of the chest-CT system); its tokens averaged, one linear layer."""
    trunk = transformer.vit_tiny(spec.channels, spec.size, spec.pretrained)
    head = LinearHead(trunk.channels[-1], spec.outputs)
    return Classifier("vit_tiny", spec, trunk, head, divisor=transformer.PATCH)


@register
def vit_stem(spec: Spec) -> OverreadNet:
    """Vision Transformer behind a stem of convolutions (chest CT); its tokens averaged, one linear layer."""
    trunk = transformer.vit_stem(spec.channels, spec.size, spec.pretrained)
    head = LinearHead(trunk.channels[-1], spec.outputs)
    return Classifier("vit_stem", spec, trunk, head, divisor=transformer.PATCH)


@register
def slab3d(spec: Spec) -> OverreadNet:
    """A small 3-D network over neighbouring slices (a wish of the brain system), trained from scratch."""
    trunk = slab.SlabTrunk(spec.channels, spec.pretrained)
    return Classifier("slab3d", spec, trunk, LinearHead(trunk.channels[-1], spec.outputs), divisor=16)
