"""Several networks as one: averages by hand, heat maps that are averages, a file that holds what is common once."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from core.engine.uncertainty import VARIANTS, spread
from core.explain.gradcam import explain_forward, grad_cam
from core.explain.randomisation import spoilt
from core.imaging.study import Modality, Series, Unit
from core.models.members import Members
from core.models.net import OverreadNet
from core.models.registry import create
from core.weights.folder import ModelRefusedError
from core.weights.store import load_model, save_model
from tests.cards import card_of
from tests.models.networks import images, lively
from tests.weights.by_hand import opened


def family(architecture: str, count: int = 3, *, shared: bool = False) -> list[OverreadNet]:
    """Members that differ in all weights, or only in their heads."""
    nets = [copy.deepcopy(lively(architecture)) for _ in range(count)]
    for number, net in enumerate(nets):
        torch.manual_seed(number)
        with torch.no_grad():
            for parameter in net.head_parameters() if shared else net.parameters():
                parameter.mul_(1 + 0.2 * torch.randn(()).item()).add_(0.01 * torch.randn_like(parameter))
        if shared:
            net.backbone = nets[0].backbone
    return nets


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("architecture", ["resnet18", "unet_resnet18", "densenet121_attention"])
def test_answers_are_the_means_and_maps_those_of_the_mean_logit(architecture: str, shared: bool) -> None:
    nets = family(architecture, shared=shared)
    joined = Members(nets).eval()
    assert joined.shared is shared
    x = images(joined)
    seen: list[torch.Tensor] = []
    handle = joined.tap_module.register_forward_hook(lambda module, args, result: seen.append(result))
    with torch.no_grad():
        alone = [net.run(x) for net in nets]
        output, stages = joined.run_with_stages(x)
    handle.remove()
    torch.testing.assert_close(output.logits, sum(o.logits for o in alone) / 3)
    assert tuple(stage.shape[1] for stage in stages) == joined.stage_channels
    assert seen[0] is output.tap
    assert output.features.shape[1] == output.tap.shape[1]
    if joined.draws_masks:
        masks = [o.mask_logits for o in alone if o.mask_logits is not None]
        torch.testing.assert_close(output.mask_logits, sum(masks) / 3)
    else:
        torch.testing.assert_close(joined.head_from_tap(output.tap).logits, output.logits)
    for one, other in zip(joined.each(stages), alone, strict=True):
        torch.testing.assert_close(one.logits, other.logits)
    explained = explain_forward(joined, x)
    by_gradient, peaks = grad_cam(explained, 1, size=joined.size)
    raw = []
    for net in nets:  # the members' maps before their negative parts are cut and their scales are lost
        own = explain_forward(net, x)
        (slope,) = torch.autograd.grad(own.logits[:, 0].sum(), own.tap)
        raw.append(torch.einsum("bc,bchw->bhw", slope.mean((2, 3)), own.tap.detach()))
    mean = torch.stack(raw).mean(0).relu()
    assert np.allclose(peaks, mean.amax((1, 2)).numpy(), rtol=1e-3, atol=1e-6)
    if joined.linear_weight is not None:
        closed, _ = grad_cam(explained, 1, size=joined.size, linear_weight=joined.linear_weight)
        assert np.abs(closed - by_gradient).max() < 1e-3


@pytest.mark.parametrize("shared", [False, True])
def test_an_export_answers_as_the_members_do(shared: bool) -> None:
    class Whole(torch.nn.Module):
        def __init__(self, net: OverreadNet) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            output, stages = self.net.run_with_stages(x)
            return output.logits, stages[-1]

    whole = Whole(Members(family("resnet18", shared=shared)).eval())
    x = images(whole.net)
    with torch.no_grad():
        exported = torch.export.export(whole, (x,), strict=False).module()
        torch.testing.assert_close(exported(x), whole(x))


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_holds_what_is_common_once(shared: bool, tmp_path: Path) -> None:
    nets = family("resnet18", shared=shared)
    joined = Members(nets).eval()
    card = card_of("breast-mri", "resnet18", "resnet18", members=3, contract={"channels": 1, "height": 96, "width": 96})
    card = save_model(joined, card, tmp_path, "float32")
    back, _ = load_model(tmp_path)
    assert isinstance(back, Members)
    assert back.shared is shared
    x = images(joined)
    with torch.no_grad():
        torch.testing.assert_close(back.run(x).logits, joined.run(x).logits)
    assert card.parameters == sum(p.numel() for p in nets[0].parameters()) + 2 * (
        sum(p.numel() for p in (nets[0].head_parameters() if shared else nets[0].parameters()))
    )
    file = tmp_path / "weights.safetensors"
    size = sum(4 * p.numel() for p in nets[0].parameters())
    assert file.stat().st_size < 1.05 * size if shared else file.stat().st_size > 2.9 * size
    stored = load_file(file)
    dropped = {key: value for key, value in stored.items() if not key.startswith("members.2.")}
    save_file(dropped, file)
    with pytest.raises(ModelRefusedError):
        load_model(tmp_path)


def test_a_linear_head_of_few_weights_is_not_rounded_to_eight_bits(tmp_path: Path) -> None:
    """Heads fitted to features of unlike spread: the small weights count, and eight bits for all would lose them."""
    net = lively("resnet18")
    weight = net.linear_weight
    assert weight is not None
    with torch.no_grad():
        weight[0, ::50] *= 1000
    card = card_of("breast-mri", "resnet18", "resnet18", contract={"channels": 1, "height": 96, "width": 96})
    save_model(net, card, tmp_path, "int8")
    back = load_model(tmp_path)[0].linear_weight
    assert back is not None
    torch.testing.assert_close(back, weight.detach(), atol=0, rtol=0)
    assert opened(tmp_path / "weights.safetensors")["backbone.stages.1.0.conv1.weight"].dtype == np.int8


def test_the_card_and_the_network_must_agree_on_the_number(tmp_path: Path) -> None:
    joined = Members(family("resnet18", 2))
    card = card_of("breast-mri", "resnet18", "resnet18", members=3, contract={"channels": 1, "height": 96, "width": 96})
    with pytest.raises(ValueError, match="members"):
        save_model(joined, card, tmp_path)
    with pytest.raises(ValueError, match="two or more"):
        Members([create("resnet18", classes=2, channels=1, size=(64, 64))])


def test_spoiling_the_head_leaves_the_members_backbones() -> None:
    joined = Members(family("resnet18", 2)).eval()
    twin = spoilt(joined, 0, seed=1)
    assert isinstance(twin, Members)
    before, after = dict(joined.named_parameters()), dict(twin.named_parameters())
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(".head." in name for name in changed)


def test_a_spread_asks_every_member() -> None:
    nets = family("resnet18")
    card = card_of("breast-mri", "resnet18", "resnet18", members=3, contract={"channels": 1, "height": 96, "width": 96})
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 96, 96)).astype(np.float32)
    series = Series("s", "crop", pixels, unit=Unit.GREY, modality=Modality.MR, value_range=(0.0, 255.0))
    found = spread(Members(nets).eval(), card, series, 0)
    assert found.variants[len(VARIANTS) :] == tuple(f"network {n} of 3 alone" for n in (1, 2, 3))
    alone = [spread(net, card, series, 0).finding[0] for net in nets]
    assert np.allclose(found.finding[-3:], alone)
    odds = np.log(found.finding / (1 - found.finding))
    assert np.isclose(odds[0], odds[-3:].mean(), atol=1e-5)
