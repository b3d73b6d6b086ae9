"""The registry's ImageNet weights, against what the pictures show: a mapping off by one entry sees nothing."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import skimage.data
import timm
import torch
from skimage.transform import resize

from core.errors import ModelUnavailableError
from core.models import imagenet_lite
from core.models.registry import create

SHOWN = {"chelsea": 285, "coffee": 967, "rocket": 657}  # ImageNet's Egyptian cat, espresso and missile


def picture(name: str, side: int) -> torch.Tensor:
    """A square from a photograph's middle, ``(1, 3, side, side)`` in [-1, 1]; with its platform the rocket is one."""
    whole = getattr(skimage.data, name)()
    edge = int(0.6 * min(whole.shape[:2]))
    top, left = ((n - edge) // 2 for n in whole.shape[:2])
    small = resize(whole[top : top + edge, left : left + edge], (side, side), anti_aliasing=True)
    return torch.from_numpy(small.astype(np.float32)).permute(2, 0, 1)[None] * 2 - 1


@pytest.mark.parametrize(("number", "side"), [(0, 224), (1, 240), (2, 260)])
def test_the_mapped_network_knows_a_cat_an_espresso_and_a_rocket(number: int, side: int) -> None:
    name = f"tf_efficientnet_lite{number}"
    net: Any = timm.create_model(name, pretrained=False)
    imagenet_lite.load_into(net, name)
    with torch.no_grad():
        answers = net.eval()(torch.cat([picture(shown, side) for shown in SHOWN])).argmax(1)
    assert answers.tolist() == list(SHOWN.values())


@pytest.mark.parametrize("architecture", ["efficientnet_lite0", "unet_efficientnet_lite0"])
def test_a_grey_picture_gives_the_features_of_three_equal_channels(architecture: str) -> None:
    """The classifier and the U-Net start from the same weights; one channel is the sum of three."""
    whole: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
    imagenet_lite.load_into(whole, "tf_efficientnet_lite0")
    grey = picture("chelsea", 64).mean(1, keepdim=True)
    net = create(architecture, classes=2, channels=1, size=(64, 64), pretrained="imagenet-lite").eval()
    with torch.no_grad():
        x = whole.blocks(whole.bn1(whole.conv_stem(grey.expand(-1, 3, -1, -1))))
        wanted = x if net.draws_masks else whole.bn2(whole.conv_head(x))
        torch.testing.assert_close(net.run(grey).tap, wanted, atol=1e-4, rtol=1e-3)


def test_other_networks_and_missing_packages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelUnavailableError, match="efficientnet_lite0, 1 and 2"):
        create("resnet18", classes=2, channels=1, size=(64, 64), pretrained="imagenet-lite")
    with pytest.raises(ModelUnavailableError, match="does not fit"):
        imagenet_lite.load_into(timm.create_model("tf_efficientnet_lite1", pretrained=False), "tf_efficientnet_lite0")
    monkeypatch.setattr(importlib, "util", SimpleNamespace(find_spec=lambda name: None))
    with pytest.raises(ModelUnavailableError, match=r"overread\[train\]"):
        imagenet_lite.weight_file("tf_efficientnet_lite0")
