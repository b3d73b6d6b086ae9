"""Quick gradients of depthwise convolutions are those of autograd."""

from __future__ import annotations

import copy

import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from core.models.registry import create
from trainers.fitting.depthwise import QuickDepthwise, quicken


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("side", [14, 15])
def test_gradients_of_input_and_kernel_against_autograd(kernel: int, stride: int, same: bool, side: int) -> None:
    torch.manual_seed(kernel + stride + side)
    kind, padding = (Conv2dSame, 0) if same else (nn.Conv2d, kernel // 2)
    plain = kind(6, 6, kernel, stride=stride, padding=padding, groups=6, bias=False)
    quick = nn.Sequential(copy.deepcopy(plain))
    assert quicken(quick) == 1
    ours, theirs = (torch.randn(2, 6, side, side + 3, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    ours.requires_grad_()
    theirs.requires_grad_()
    found, wanted = quick(ours), plain(theirs)
    torch.testing.assert_close(found, wanted)
    weigh = torch.randn_like(wanted)
    (found * weigh).sum().backward()
    (wanted * weigh).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(quick[0].weight.grad, plain.weight.grad, atol=1e-4, rtol=1e-4)


def test_only_what_it_can_do_is_changed_and_weights_keep_their_names() -> None:
    net = create("efficientnet_lite0", classes=2, channels=1, size=(64, 64))
    names = list(net.state_dict())
    assert quicken(net) == 16  # one a block
    assert quicken(net) == 0
    assert list(net.state_dict()) == names
    others = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, groups=4))
    assert quicken(others) == 0  # dense, half grouped, and one with a bias
    assert not any(isinstance(module, QuickDepthwise) for module in others)
