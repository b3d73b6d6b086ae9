"""The slab network: by hand in torch's own functions, on volumes whose answer is known, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.errors import ModelUnavailableError
from core.explain.gradcam import explain_forward, grad_cam
from core.models.auxiliary import MaskHead
from core.models.registry import create
from tests.models.networks import images, lively


@pytest.fixture(scope="module", params=[3, 5, 7, 9])
def net(request: pytest.FixtureRequest) -> Any:
    return lively("slab3d", channels=request.param)


def by_hand(volume: Any, x: torch.Tensor) -> torch.Tensor:
    """A convolution of a volume as a sum of two-dimensional ones over the slices, and its norm written out."""
    weight, norm, stride = volume.conv.weight, volume.norm, volume.conv.stride[1]
    depth, padding = weight.shape[2], weight.shape[3] // 2
    slices = [
        sum(functional.conv2d(x[:, :, z + k], weight[:, :, k], None, stride, padding) for k in range(depth))
        for z in range(x.shape[2] - depth + 1)
    ]
    out = torch.stack(slices, dim=2)  # type: ignore[arg-type]

    def spread(values: torch.Tensor) -> torch.Tensor:
        return values.view(1, -1, 1, 1, 1)

    scaled = (out - spread(norm.running_mean)) / spread(norm.running_var + norm.eps).sqrt()
    return scaled * spread(norm.weight) + spread(norm.bias)


def test_the_answer_is_the_one_written_out_by_hand(net: Any) -> None:
    x = images(net)
    stem, first, (second, third), (last,) = net.backbone.stages
    volume = by_hand(stem.volume, x[:, None]).relu()
    depths, maps = [volume.shape[2]], []
    for block in (first, second, third, last):
        found = by_hand(block.second, by_hand(block.first, volume).relu())
        off = (volume.shape[2] - found.shape[2]) // 2
        kept = volume[:, :, off : volume.shape[2] - off]
        beside = kept if isinstance(block.shortcut, nn.Identity) else by_hand(block.shortcut, kept)
        volume = (found + beside).relu()
        depths.append(volume.shape[2])
        maps.append(volume[:, :, volume.shape[2] // 2])
    head = net.head.linear
    logits = maps[-1].mean((2, 3)) @ head.weight.T + head.bias
    with torch.no_grad():
        out, stages = net.run_with_stages(x)
    torch.testing.assert_close(out.logits, logits, atol=1e-4, rtol=1e-4)
    for stage, wanted in zip(stages, (maps[0], maps[2], maps[3]), strict=True):
        torch.testing.assert_close(stage, wanted, atol=1e-4, rtol=1e-4)
    assert depths == {3: [3, 1, 1, 1, 1], 5: [5, 1, 1, 1, 1], 7: [7, 3, 1, 1, 1], 9: [9, 5, 1, 1, 1]}[net.channels]


def test_one_slice_many_times_is_the_network_of_kernels_summed_over_the_depth(net: Any) -> None:
    flat: Any = create("slab3d", classes=2, channels=1, size=net.size).eval()
    state = {k: v.sum(2, keepdim=True) if v.dim() == 5 else v for k, v in net.state_dict().items()}
    flat.load_state_dict(state)
    x = images(flat, 3)
    with torch.no_grad():
        once, many = flat.run(x), net.run(x.expand(-1, net.channels, -1, -1))
    torch.testing.assert_close(many.logits, once.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(many.tap, once.tap, atol=1e-4, rtol=1e-4)


def test_every_slice_is_read_and_their_order_matters(net: Any) -> None:
    x = images(net).requires_grad_()
    net.run(x).logits.sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().amax((0, 2, 3)) > 0).all()
    with torch.no_grad():
        assert (net(x) - net(x.flip(1))).abs().max() > 1e-3


def test_the_heat_map_is_the_middle_slices_evidence(net: Any) -> None:
    x = images(net, 1)
    out = explain_forward(net, x)
    heat, _ = grad_cam(out, 1, size=net.size)
    weight = net.linear_weight
    evidence = torch.einsum("kc,bchw->bhw", weight, out.tap.detach()).relu()
    evidence = evidence.detach()
    assert evidence.max() > 0
    wanted = functional.interpolate(evidence[:, None], net.size, mode="bilinear", align_corners=False)[0, 0]
    assert out.tap.shape == (1, 96, net.size[0] // 16, net.size[1] // 16)
    got = torch.as_tensor(heat).reshape(net.size)
    torch.testing.assert_close(got / got.max(), wanted / wanted.max(), atol=1e-3, rtol=1e-3)


def test_a_mask_teaches_the_convolutions_of_the_volume(net: Any) -> None:
    taught = create("slab3d", classes=2, channels=net.channels, size=net.size)
    head = MaskHead(taught)
    logits = head(taught.run_with_stages(images(net))[1])
    assert logits.shape == (2, 1, net.size[0] // 4, net.size[1] // 4)
    logits.sum().backward()
    volumes = [p for name, p in taught.named_parameters() if p.dim() == 5]
    assert len(volumes) > 8
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in volumes)


def test_what_it_cannot_read_is_refused() -> None:
    for slices in (2, 4, 11):
        with pytest.raises(ModelUnavailableError, match="odd number of slices"):
            create("slab3d", classes=2, channels=slices, size=(64, 64))
    with pytest.raises(ModelUnavailableError, match="scratch"):
        create("slab3d", classes=2, channels=7, size=(64, 64), pretrained="imagenet")
