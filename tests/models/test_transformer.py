"""The Vision Transformers: timm's own networks, with their tokens kept where they lie."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
import timm
import torch
from timm.layers import ConvNormAct, HybridEmbed
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from core.errors import ContractError, ModelUnavailableError
from core.models.auxiliary import MaskHead
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


def test_behind_a_stem_of_convolutions_it_is_timms_hybrid() -> None:
    """The same network put together from timm's own parts, weight by weight in the order of the layers."""
    torch.manual_seed(4)
    net = create("vit_stem", classes=2, channels=3, size=(64, 96)).train()
    with torch.no_grad():
        for _ in range(3):  # running means and variances that are not 0 and 1
            net.run(torch.randn(4, 3, 64, 96) + 0.5)
    net.eval()
    widths = (3, 24, 48, 96, 192)
    stem = nn.Sequential(*(ConvNormAct(a, b, 3, stride=2) for a, b in pairwise(widths)))
    theirs = VisionTransformer(
        img_size=(64, 96),  # type: ignore[arg-type]
        patch_size=1,
        num_classes=1,
        embed_dim=192,
        depth=5,
        num_heads=3,
        class_token=False,
        global_pool="avg",
        fc_norm=False,
        embed_layer=partial(HybridEmbed, backbone=stem),  # type: ignore[arg-type]
    )
    ours = dict(net.state_dict())
    place = next(key for key in ours if key.endswith("place"))
    order = [ours.pop(place), *ours.values()]
    wanted = theirs.state_dict()
    assert next(iter(wanted)) == "pos_embed"
    for (key, value), given in zip(wanted.items(), order, strict=True):
        value.copy_(given.reshape(value.shape))
        assert value.shape == given.shape, key
    theirs.eval()

    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        out, stages = net.run_with_stages(x)
        tokens = theirs.forward_features(x)
        torch.testing.assert_close(out.logits, theirs(x), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(stages[1], stem[:3](x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(out.tap[:, :, 2, 5], tokens[:, 2 * 6 + 5], atol=1e-5, rtol=1e-5)
    assert [tuple(stage.shape[1:]) for stage in stages] == [(48, 16, 24), (96, 8, 12), (192, 4, 6)]
    assert sum(p.numel() for p in net.parameters()) < 2.8e6


def test_a_mask_teaches_the_stem_and_the_blocks() -> None:
    net = create("vit_stem", classes=2, channels=3, size=(64, 64))
    logits = MaskHead(net)(net.run_with_stages(torch.randn(2, 3, 64, 64))[1])
    assert logits.shape == (2, 1, 16, 16)
    logits.square().sum().backward()
    missed = [name for name, p in net.named_parameters() if p.grad is None or not bool(p.grad.abs().max() > 0)]
    assert missed == ["head.linear.weight", "head.linear.bias"]


def test_there_are_no_published_weights_behind_a_stem() -> None:
    with pytest.raises(ModelUnavailableError, match="no published weights"):
        create("vit_stem", classes=2, channels=3, size=(64, 64), pretrained="imagenet")


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
