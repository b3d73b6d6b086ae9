"""The methods: shapes, no traces on the network, and the library's own answer on a clean copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM
from torch import nn

from core.explain.methods import METHODS, heat_map
from core.models.net import OverreadNet
from tests.models.networks import clean_copy, images, lively

REFERENCE = {
    "grad-cam": GradCAM,
    "grad-cam++": GradCAMPlusPlus,
    "layercam": LayerCAM,
    "eigencam": EigenCAM,
    "score-cam": ScoreCAM,
}


@pytest.fixture(scope="module", params=["resnet18", "densenet121_attention", "resunet"])
def net(request: pytest.FixtureRequest) -> OverreadNet:
    return lively(request.param)


def test_names() -> None:
    assert set(METHODS) == set(REFERENCE)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "score-cam"])
def test_equal_to_the_library_on_a_clean_copy(net: OverreadNet, method: str) -> None:
    x = images(net)
    maps = heat_map(net, x, 1, method)
    twin = clean_copy(net)
    with REFERENCE[method](model=twin, target_layers=[twin.tap_module]) as cam:
        expected = cam(x, targets=[lambda logits: logits[0]] * 2)
    assert maps.shape == (2, *net.size)
    assert maps.dtype == np.float32
    assert np.abs(maps - expected).max() < 2e-3
    assert maps.std((1, 2)).min() > 0.01


def test_score_cam_by_hand() -> None:
    net = lively("resunet")
    x = images(net, 1)[:, :, :48, :48].contiguous()
    maps = heat_map(net, x, 1, "score-cam")
    with torch.no_grad():
        tap = net.run(x).tap
        enlarged = nn.functional.interpolate(tap, size=(48, 48), mode="bilinear", align_corners=True)[0]
        low, high = enlarged.amin((1, 2), keepdim=True), enlarged.amax((1, 2), keepdim=True)
        masked = x[0] * ((enlarged - low) / (high - low + 1e-8))[:, None]
        weights = torch.cat([net(part)[:, 0] for part in masked.split(64)]).softmax(0)
        raw = torch.einsum("c,chw->hw", weights, tap[0]).relu()
        expected = nn.functional.interpolate(raw[None, None], size=(48, 48), mode="bilinear", align_corners=False)[0, 0]
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert np.abs(maps[0] - expected.numpy()).max() < 2e-3


@pytest.mark.parametrize("method", ["grad-cam++", "eigencam"])
def test_the_network_is_left_as_it_was(method: str) -> None:
    net: Any = lively("resnet18").train()
    kept = torch.ones_like(net.head.linear.bias)
    net.head.linear.bias.grad = kept
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with torch.inference_mode():
        heat_map(net, images(net), 1, method)
    assert net.training
    assert net.head.linear.bias.grad is kept
    assert net.head.linear.weight.grad is None
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())


def test_masks_and_frozen_networks_can_be_explained() -> None:
    net = lively("resunet").requires_grad_(False)
    for method in ("grad-cam", "grad-cam++", "layercam"):
        assert heat_map(net, images(net), "mask", method).std() > 0.01
    plain = lively("resnet18").requires_grad_(False)
    assert heat_map(plain, images(plain), 1, "layercam").std() > 0.01
    with pytest.raises(ValueError, match="no mask"):
        heat_map(plain, images(plain), "mask", "layercam")


def test_an_unknown_method_is_named() -> None:
    net = lively("resunet")
    with pytest.raises(ValueError, match="layercam"):
        heat_map(net, images(net), 1, "occlusion")
