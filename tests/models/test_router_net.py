"""What the router's head sees is the mean and the spread of the trunk's own maps, its batch norms folded or not."""

from __future__ import annotations

import copy

import numpy as np
import timm
import torch
from torch import nn

from core.models.router_net import FEATURES, FIRST, TRUNK, RouterNet, cut, fold


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


def test_folded_norms_answer_as_the_network_that_was_trained() -> None:
    torch.manual_seed(5)
    net = RouterNet(3).eval().requires_grad_(False)
    for norm in [one for one in net.modules() if isinstance(one, nn.BatchNorm2d)]:
        for values, low, high in (
            (norm.weight, 0.7, 1.3),
            (norm.bias, -0.5, 0.5),
            (norm.running_mean, -0.5, 0.5),
            (norm.running_var, 0.3, 2.0),
        ):
            assert values is not None
            values.uniform_(low, high)
    trained = copy.deepcopy(net)
    fold(net)
    assert not [one for one in net.modules() if isinstance(one, nn.BatchNorm2d)]
    images = torch.rand(3, 1, 96, 64)
    with torch.inference_mode():
        wanted, found = trained.pooled(images), net.pooled(images)
        assert float(wanted.std(0).max()) > 1e-2, "else nothing is tested here"
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(net(images), trained(images), atol=1e-5, rtol=1e-5)
    assert not [one for one in net.parameters() if one.requires_grad]


def _mean(maps: np.ndarray) -> np.ndarray:
    return maps.mean((2, 3))


def _spread(maps: np.ndarray) -> np.ndarray:
    return maps.std((2, 3), ddof=1)
