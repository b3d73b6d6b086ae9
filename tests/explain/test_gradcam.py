"""Heat maps of every architecture against pytorch-grad-cam on a clean float32 copy of the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from torch import nn

from core.explain.attention import spatial_attention
from core.explain.gradcam import explain_forward, grad_cam
from core.models.net import OverreadNet
from core.models.registry import architectures
from tests.models.networks import clean_copy, images, lively


@pytest.fixture(scope="module", params=architectures())
def net(request: pytest.FixtureRequest) -> OverreadNet:
    return lively(request.param)


class MaskSum(nn.Module):
    """The network as one that returns masks, for the library's way of explaining segmentation."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> Any:
        return self.net.run(x).mask_logits


def test_equal_to_the_library_and_different_between_classes(net: OverreadNet) -> None:
    x = images(net)
    output = explain_forward(net, x)
    maps = {target: grad_cam(output, target, size=net.size)[0] for target in (0, 1)}
    twin = clean_copy(net)
    for target, sign in ((1, 1), (0, -1)):
        with GradCAM(model=twin, target_layers=[twin.tap_module]) as cam:
            expected = cam(x, targets=[lambda logits, sign=sign: sign * logits[0]] * 2)
        assert np.abs(maps[target] - expected).max() < 1e-3
    assert maps[1].shape == (2, *net.size)
    assert maps[1].dtype == np.float32
    assert maps[1].min() >= 0
    assert maps[1].max() <= 1
    assert maps[1].std((1, 2)).min() > 0.01, "a constant map explains nothing"
    assert np.abs(maps[1] - maps[0]).max() > 0.1
    assert np.abs(maps[1][0] - maps[1][1]).max() > 0.1


def test_an_explained_pass_gives_the_same_answer_and_leaves_no_trace(net: OverreadNet) -> None:
    x = images(net)
    with torch.inference_mode():
        output = explain_forward(net, x)
        plain = net.run(x)
    grad_cam(output, 1, size=net.size)
    assert torch.allclose(output.logits.detach(), plain.logits, atol=1e-5)
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks for module in net.modules())


def test_the_closed_form_of_a_linear_head_is_the_gradient(net: OverreadNet) -> None:
    linear = net.architecture.startswith(("resnet", "efficientnet", "vit", "slab3d"))
    assert (net.linear_weight is not None) == linear
    if linear:
        output = explain_forward(net, images(net))
        for target in (0, 1):
            by_gradient, peaks = grad_cam(output, target, size=net.size)
            closed, closed_peaks = grad_cam(output, target, size=net.size, linear_weight=net.linear_weight)
            assert np.abs(by_gradient - closed).max() < 1e-4
            assert np.allclose(peaks, closed_peaks, rtol=1e-4, atol=1e-7)


def test_masks_are_explained_like_the_librarys_segmentation_target(net: OverreadNet) -> None:
    x = images(net)
    output = explain_forward(net, x)
    if output.mask_logits is None:
        with pytest.raises(ValueError, match="no mask"):
            grad_cam(output, "mask", size=net.size)
        return
    positive = (output.mask_logits > 0).float()
    assert positive.flatten(1).any(1).all()
    maps, _ = grad_cam(output, "mask", size=net.size)
    twin = MaskSum(clean_copy(net))
    with GradCAM(model=twin, target_layers=[twin.net.tap_module]) as cam:
        targets = [lambda mask, inside=inside: (mask * inside).sum() for inside in positive]
        expected = cam(x, targets=targets)
    assert np.abs(maps - expected).max() < 1e-3


def test_three_classes() -> None:
    net = lively("densenet121_attention", classes=3)
    x = images(net)
    output = explain_forward(net, x)
    twin = clean_copy(net)
    for target in range(3):
        maps, peaks = grad_cam(output, target, size=net.size)
        with GradCAM(model=twin, target_layers=[twin.tap_module]) as cam:
            expected = cam(x, targets=[lambda logits, target=target: logits[target]] * 2)
        assert np.abs(maps - expected).max() < 1e-3
        assert np.all((peaks > 0) == (maps.max((1, 2)) > 0.5))
    with pytest.raises(ValueError, match="no class 3"):
        grad_cam(output, 3, size=net.size)


def test_an_empty_mask_is_explained_by_its_strongest_pixels() -> None:
    net: Any = lively("resunet")
    net.mask.bias.data -= 100
    output = explain_forward(net, images(net))
    assert output.mask_logits is not None
    assert not (output.mask_logits > 0).any()
    maps, _ = grad_cam(output, "mask", size=net.size)
    assert np.isfinite(maps).all()
    assert maps.std((1, 2)).max() > 0.01


def test_an_ordinary_output_cannot_be_explained_by_gradients() -> None:
    net = lively("resnet18")
    with torch.no_grad():
        output = net.run(images(net))
    with pytest.raises(ValueError, match="explain_forward"):
        grad_cam(output, 1, size=net.size)
    assert grad_cam(output, 1, size=net.size, linear_weight=net.linear_weight)[0].shape == (2, 96, 96)


def test_spatial_attention_is_enlarged_but_not_rescaled() -> None:
    net = lively("densenet121_attention")
    with torch.no_grad():
        output = net.run(images(net))
    maps = spatial_attention(output, size=(96, 96))
    assert output.attention is not None
    raw = output.attention["spatial"].numpy()[:, 0]
    assert maps.shape == (2, 96, 96)
    # 3x3 to 96x96: pixel (16 + 32 i) - 1/2 is the centre of cell i, so the two pixels around it average to its value.
    centres = (maps[:, 15::32] + maps[:, 16::32])[:, :, 15::32] + (maps[:, 15::32] + maps[:, 16::32])[:, :, 16::32]
    assert np.allclose(centres / 4, raw, atol=0.02)
    assert maps.min() >= raw.min() - 1e-6
    assert maps.max() <= raw.max() + 1e-6
    plain = lively("resnet18")
    with torch.no_grad(), pytest.raises(ValueError, match="no spatial attention"):
        spatial_attention(plain.run(images(plain)), size=(96, 96))
