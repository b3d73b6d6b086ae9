"""Backbones of timm, cut into stages.

Stage 0 is the stem; the others end at strides 4, 8, 16 and 32 (VGG: 4, 8 and 16).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import timm
from torch import nn

from core.errors import ModelUnavailableError
from core.models import imagenet_lite, radimagenet
from core.models.net import Trunk


def timm_model(name: str, channels: int, pretrained: str | Path | None, **options: Any) -> Any:
    """A timm model without its classifier, with the asked initial weights."""
    if pretrained != "imagenet":
        model = timm.create_model(name, pretrained=False, num_classes=0, in_chans=channels, **options)
        if pretrained == imagenet_lite.NAME:
            imagenet_lite.load_into(model, name)
        elif pretrained is not None:
            radimagenet.load_into(model, name, Path(pretrained))
        return model
    try:
        return timm.create_model(name, pretrained=True, num_classes=0, in_chans=channels)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelUnavailableError(
            f"The ImageNet weights of {name} could not be fetched: {error}.",
            "Connect to the internet once, or train without initial weights.",
        ) from error


def resnet(name: str, channels: int, pretrained: str | Path | None) -> Trunk:
    """ResNet; the tap is the output of ``layer4``."""
    m = timm_model(name, channels, pretrained)
    stem = nn.Sequential(m.conv1, m.bn1, m.act1, m.maxpool)
    return _four(stem, [m.layer1, m.layer2, m.layer3, m.layer4], m)


def densenet(name: str, channels: int, pretrained: str | Path | None) -> Trunk:
    """DenseNet; the tap lies after the final norm and its ReLU."""
    m = timm_model(name, channels, pretrained)
    f = m.features
    stages = [
        nn.Sequential(f.denseblock1),
        nn.Sequential(f.transition1, f.denseblock2),
        nn.Sequential(f.transition2, f.denseblock3),
        nn.Sequential(f.transition3, f.denseblock4, f.norm5),
    ]
    channels_out = [f.transition1.conv.in_channels, f.transition2.conv.in_channels, f.transition3.conv.in_channels]
    return Trunk([nn.Sequential(f.conv0, f.norm0, f.pool0), *stages], [*channels_out, m.num_features], [1, 2, 3, 4])


def efficientnet(name: str, channels: int, pretrained: str | Path | None) -> Trunk:
    """EfficientNet; the tap lies after the last 1x1 convolution, norm and SiLU."""
    m = timm_model(name, channels, pretrained)
    b = m.blocks
    stages = [
        nn.Sequential(b[1]),
        nn.Sequential(b[2]),
        nn.Sequential(b[3], b[4]),
        nn.Sequential(b[5], b[6], m.conv_head, m.bn2),
    ]
    return _four(nn.Sequential(m.conv_stem, m.bn1, b[0]), stages, m)


def efficientnet_lite(number: int, channels: int, pretrained: str | Path | None, *, masks: bool = False) -> Trunk:
    """EfficientNet-Lite: no squeeze and excitation, ReLU6; the tap as in :func:`efficientnet`.

    Args:
        number: 0, 1 or 2.
        masks: for the encoder of a U-Net: the stem's map (stride 2) is kept too, and the tap lies before the last 1x1
            convolution, whose 1280 channels would make a decoder several times as large as its encoder.
    """
    m = timm_model(f"tf_efficientnet_lite{number}", channels, pretrained)
    # Running statistics follow within a hundred steps: the published momentum of 0.01 is for millions of pictures.
    for module in m.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.05
    b = m.blocks
    last = [b[5], b[6]] if masks else [b[5], b[6], m.conv_head, m.bn2]
    stages = [nn.Sequential(b[1]), nn.Sequential(b[2]), nn.Sequential(b[3], b[4]), nn.Sequential(*last)]
    stem = nn.Sequential(m.conv_stem, m.bn1, b[0])
    if not masks:
        return _four(stem, stages, m)
    return Trunk([stem, *stages], [info["num_chs"] for info in m.feature_info], range(5))


def inception_resnet(name: str, channels: int, pretrained: str | Path | None) -> Trunk:
    """InceptionResNetV2; the tap is the output of ``conv2d_7b``."""
    m = timm_model(name, channels, pretrained)
    stages = [
        nn.Sequential(m.conv2d_3b, m.conv2d_4a),
        nn.Sequential(m.maxpool_5a, m.mixed_5b, m.repeat),
        nn.Sequential(m.mixed_6a, m.repeat_1),
        nn.Sequential(m.mixed_7a, m.repeat_2, m.block8, m.conv2d_7b),
    ]
    return _four(nn.Sequential(m.conv2d_1a, m.conv2d_2a, m.conv2d_2b, m.maxpool_3a), stages, m)


def vgg16(channels: int, pretrained: str | Path | None, *, batch_norm: bool = False) -> Trunk:
    """VGG-16, plain or with a batch norm behind each convolution; the tap is the last ReLU, before the last pooling."""
    stages: list[list[nn.Module]] = []
    width = channels
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        stage: list[nn.Module] = [nn.MaxPool2d(2)] if stages else []
        for _ in range(convolutions):
            convolution = nn.Conv2d(width, filters, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(cast("nn.Parameter", convolution.bias))
            stage += [convolution, *([nn.BatchNorm2d(filters)] if batch_norm else []), nn.ReLU(inplace=True)]
            width = filters
        stages.append(stage)
    if pretrained is not None:
        # Built by hand above, because timm always makes the classifier of 120 million weights as well.
        features = timm_model("vgg16_bn" if batch_norm else "vgg16", channels, pretrained).features
        nn.Sequential(*(module for stage in stages for module in stage)).load_state_dict(features[:-1].state_dict())
    stem = nn.Sequential(*stages[0], *stages[1])
    return Trunk([stem, *(nn.Sequential(*stage) for stage in stages[2:])], [256, 512, 512], [1, 2, 3])


def _four(stem: nn.Module, stages: Sequence[nn.Module], model: Any) -> Trunk:
    """A trunk of a stem and four stages whose channels timm's feature table knows (strides 4 to 32)."""
    channels = [info["num_chs"] for info in model.feature_info if info["reduction"] >= 4]
    return Trunk([stem, *stages], [*channels[:3], model.num_features], [1, 2, 3, 4])
