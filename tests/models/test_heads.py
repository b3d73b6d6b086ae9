"""The image logit of a mask, against a hand computation; the attention head, against its formula in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from core.models.heads import AttentionHead, topk_logit, topk_pixels
from tests.models.networks import images, lively


def by_hand(mask_logits: np.ndarray, pixels: int) -> np.ndarray:
    probability = 1 / (1 + np.exp(-mask_logits.reshape(len(mask_logits), -1)))
    mean = np.sort(probability, axis=1)[:, -pixels:].mean(1)
    return np.log(mean / (1 - mean))


def test_the_residual_u_nets_logit_is_that_of_its_strongest_pixels() -> None:
    net = lively("resunet")
    with torch.no_grad():
        output = net.run(images(net))
    assert output.mask_logits is not None
    pixels = round(40 / (160 * 160) * 96 * 96)
    expected = by_hand(output.mask_logits.double().numpy(), pixels)
    assert np.allclose(output.logits[:, 0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("pixels", [1, 3, 16])
def test_topk_logit_against_numpy(pixels: int) -> None:
    mask = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 4
    assert np.allclose(topk_logit(mask, pixels)[:, 0], by_hand(mask.double().numpy(), pixels), atol=1e-5)


def test_topk_logit_is_stable_and_differentiable_where_probabilities_saturate() -> None:
    mask = torch.tensor([80.0, -80.0]).view(2, 1, 1, 1).expand(2, 1, 8, 8).clone().requires_grad_()
    logit = topk_logit(mask, 5)
    assert logit[:, 0].tolist() == pytest.approx([80, -80], abs=1e-3)
    logit.sum().backward()
    assert mask.grad is not None
    assert mask.grad.flatten(1).sum(1).tolist() == pytest.approx([1, 1], abs=1e-3)


@pytest.mark.parametrize(("side", "pixels"), [(160, 40), (320, 160), (80, 10), (16, 1)])
def test_the_share_of_pixels_is_the_same_at_any_size(side: int, pixels: int) -> None:
    assert topk_pixels(side, side) == pixels


def test_attention_is_channel_first_then_spatial() -> None:
    torch.manual_seed(0)
    head = AttentionHead(16, 1).eval()
    tap = torch.rand(2, 16, 5, 5)
    with torch.no_grad():
        output = head(tap)
    x = tap.numpy()
    attention: Any = head.channel_attention
    squeeze, excite = (layer.weight.detach().numpy() for layer in (attention.squeeze, attention.excite))
    channel = 1 / (1 + np.exp(-np.maximum(x.mean((2, 3)) @ squeeze.T, 0) @ excite.T))
    weighted = x * channel[:, :, None, None]
    planes = np.pad(np.stack([weighted.max(1), weighted.mean(1)], 1), ((0, 0), (0, 0), (3, 3), (3, 3)))
    windows = np.lib.stride_tricks.sliding_window_view(planes, (7, 7), axis=(2, 3))
    convolution: Any = head.spatial_attention.conv
    kernel = convolution.weight.detach().numpy()[0]
    z = np.einsum("bchwij,cij->bhw", windows, kernel) + convolution.bias.item()
    spatial = 1 / (1 + np.exp(-z))
    assert output.attention is not None
    assert np.allclose(output.attention["channel"], channel, atol=1e-5)
    assert np.allclose(output.attention["spatial"][:, 0], spatial, atol=1e-5)
    assert np.allclose(output.features, (weighted * spatial[:, None]).mean((2, 3)), atol=1e-5)
