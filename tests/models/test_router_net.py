"""What the router's head sees is the mean and the spread of the trunk's own feature maps."""

from __future__ import annotations

import numpy as np
import timm
import torch

from core.models.router_net import FEATURES, FIRST, TRUNK, RouterNet, cut


def test_features_are_mean_and_spread_of_every_map_from_the_first() -> None:
    torch.manual_seed(4)
    whole = timm.create_model(TRUNK, pretrained=False, num_classes=0, in_chans=1).eval()
    net = RouterNet(3).eval()
    for part, known in zip((net.stem, net.blocks), cut(whole), strict=True):
        part.load_state_dict(known.state_dict())
    images = torch.rand(3, 1, 96, 64)
    maps: list[np.ndarray] = []
    for block in whole.blocks[FIRST:]:
        block.register_forward_hook(lambda _module, _given, made: maps.append(made.numpy()))
    with torch.inference_mode():
        whole(2 * images - 1)
        found = net.pooled(images).numpy()
    expected = np.concatenate([f(m) for m in maps for f in (_mean, _spread)], 1)
    assert found.shape == (3, FEATURES)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def _mean(maps: np.ndarray) -> np.ndarray:
    return maps.mean((2, 3))


def _spread(maps: np.ndarray) -> np.ndarray:
    return maps.std((2, 3), ddof=1)
