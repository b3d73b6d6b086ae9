"""The Vision Transformer: timm's own network, with its tokens kept where they lie."""

from __future__ import annotations

import pytest
import timm
import torch

from core.errors import ContractError
from core.models.net import TrunkNet
from core.models.registry import create
from core.models.transformer import Layers, Patches


def vit(size: tuple[int, int] = (64, 96)) -> TrunkNet:
    torch.manual_seed(3)
    net = create("vit_tiny", classes=2, channels=3, size=size).eval()
    assert isinstance(net, TrunkNet)
    return net


def test_tokens_are_those_of_timm() -> None:
    net = vit()
    theirs = timm.create_model(
        "vit_tiny_patch16_224", num_classes=1, img_size=(64, 96), class_token=False, global_pool="avg", fc_norm=False
    ).eval()
    first, *rest = net.backbone.stages
    assert isinstance(first, Patches)
    theirs.patch_embed.proj.load_state_dict(first.project.state_dict())
    theirs.pos_embed.data.copy_(first.place.data)
    blocks = [block for stage in rest if isinstance(stage, Layers) for block in stage.blocks]
    theirs.norm.load_state_dict(blocks.pop().state_dict())
    for block, other in zip(blocks, theirs.blocks, strict=True):
        other.load_state_dict(block.state_dict())
    assert net.linear_weight is not None
    theirs.head.weight.data.copy_(net.linear_weight)
    theirs.head.bias.data.copy_(net.head.linear.bias)  # type: ignore[union-attr,operator]

    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        out = net.run(x)
        tokens = theirs.forward_features(x)
        torch.testing.assert_close(out.logits, theirs(x), atol=1e-5, rtol=1e-5)
    assert out.tap.shape == (2, 192, 4, 6)
    # row by row: the token of row 2, column 5 is the 18th
    torch.testing.assert_close(out.tap[:, :, 2, 5], tokens[:, 2 * 6 + 5], atol=1e-5, rtol=1e-5)


def test_another_size_is_read_with_its_places_in_between() -> None:
    net = vit((64, 64))
    first = net.backbone.stages[0]
    assert isinstance(first, Patches)
    torch.nn.init.zeros_(first.project.weight)  # type: ignore[arg-type]
    torch.nn.init.zeros_(first.project.bias)  # type: ignore[arg-type]
    first.place.data = torch.arange(4.0).repeat(4)[None, :, None].expand(1, 16, 192).clone()  # the column of each place
    with torch.no_grad():
        wide = first(torch.zeros(1, 3, 64, 128))[0, 0]
    assert wide.shape == (4, 8)
    assert (wide.diff(dim=1) > -0.2).all(), "from the first column to the last"
    assert wide[0, 0] < 0.3
    assert wide[0, -1] > 2.7
    torch.testing.assert_close(wide, wide[:1].expand(4, 8), atol=1e-4, rtol=0)


def test_a_size_between_two_patches_is_refused() -> None:
    with pytest.raises(ContractError, match="multiples of 16"):
        create("vit_tiny", classes=2, channels=1, size=(100, 96))
    with pytest.raises(ContractError, match="multiples of 16"):
        vit().run(torch.zeros(1, 3, 64, 90))
