"""Every architecture: shapes, tap, batch independence, freezing, precision; and the source systems' exact sizes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from core.errors import ContractError, ModelUnavailableError
from core.models.net import OverreadNet
from core.models.registry import architectures, create
from tests.models.networks import images, lively

SEGMENTERS = ("resunet", "unet_resnet18", "unet_resnet34", *(f"unet_efficientnet_lite{n}" for n in range(3)))
CLASSIFIERS = tuple(name for name in architectures() if name not in SEGMENTERS)


@pytest.fixture(scope="module", params=architectures())
def net(request: pytest.FixtureRequest) -> OverreadNet:
    return lively(request.param)


def statistics(module: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in module.state_dict().items() if "running" in key}


def test_the_architectures_of_the_source_systems_are_there() -> None:
    assert set(CLASSIFIERS) >= {
        "resnet18",
        "resnet34",
        "resnet50",
        "vgg16",
        "vgg16_bn",
        "inception_resnet_v2",
        "densenet121_attention",
        "efficientnet_b0",
    }


def test_shapes_of_a_binary_network(net: OverreadNet) -> None:
    x = images(net)
    with torch.no_grad():
        output, stages = net.run_with_stages(x)
    assert output.logits.shape == (2, 1)
    assert output.tap is stages[-1]
    assert output.features.shape == (2, output.tap.shape[1])
    assert tuple(stage.shape[1] for stage in stages) == net.stage_channels
    assert net.draws_masks == (net.architecture in SEGMENTERS)
    if net.draws_masks:
        assert output.mask_logits is not None
        assert output.mask_logits.shape == (2, 1, *net.size)
    else:
        assert output.mask_logits is None
    assert torch.equal(net(x), output.logits)


def test_the_tap_module_gives_the_tap(net: OverreadNet) -> None:
    seen: list[torch.Tensor] = []
    handle = net.tap_module.register_forward_hook(lambda module, args, result: seen.append(result.clone()))
    with torch.no_grad():
        output = net.run(images(net))
    handle.remove()
    assert len(seen) == 1
    assert torch.equal(seen[0], output.tap)  # the clone was taken before anything behind the tap could overwrite it


def test_an_image_gets_the_same_answer_alone_and_in_a_batch(net: OverreadNet) -> None:
    x = images(net, 3)
    with torch.no_grad():
        together, again = net.run(x), net.run(x)
        alone = net.run(x[1:2])
    assert torch.equal(together.logits, again.logits)
    assert torch.allclose(together.logits[1:2], alone.logits, atol=1e-5, rtol=1e-5)
    assert together.logits.std() > 1e-6, "the images are told apart, or the comparison would say nothing"


def test_head_from_tap_repeats_the_answer_of_classifiers(net: OverreadNet) -> None:
    with torch.no_grad():
        output = net.run(images(net))
        if net.draws_masks:
            with pytest.raises(TypeError, match="finer maps"):
                net.head_from_tap(output.tap)
        else:
            again = net.head_from_tap(output.tap)
            assert torch.equal(again.logits, output.logits)
            assert torch.equal(again.features, output.features)


def test_a_frozen_backbone_gets_no_gradients_and_keeps_its_statistics(net: OverreadNet) -> None:
    net.freeze_backbone(True)
    net.train()
    before, everything = statistics(net.backbone), {key: value.clone() for key, value in net.state_dict().items()}
    net.run(images(net) + 1).logits.sum().backward()
    assert all(parameter.grad is None for parameter in net.backbone_parameters())
    assert any(parameter.grad is not None for parameter in net.head_parameters())
    assert all(torch.equal(value, before[key]) for key, value in statistics(net.backbone).items())

    net.zero_grad()
    net.freeze_backbone(False)
    net.run(images(net) + 1).logits.sum().backward()
    assert all(parameter.grad is not None for parameter in net.backbone_parameters())
    if before:  # VGG has no batch norm
        assert any(not torch.equal(value, before[key]) for key, value in statistics(net.backbone).items())
    net.zero_grad()
    net.load_state_dict(everything)
    net.eval()


def test_backbone_and_head_share_all_parameters_out(net: OverreadNet) -> None:
    backbone, head = list(net.backbone_parameters()), list(net.head_parameters())
    staged = [p for group in net.stages() for module in group for p in module.parameters()]
    assert len(backbone) + len(head) == len(list(net.parameters()))
    assert {id(p) for p in staged} == {id(p) for p in backbone}


def test_half_precision_and_channels_last_still_answer_in_float32(net: OverreadNet) -> None:
    x = images(net).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        plain, exact = net.run(images(net)), net.run(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = net.run(x)
    assert half.logits.dtype == half.features.dtype == torch.float32
    assert half.mask_logits is None or half.mask_logits.dtype == torch.float32
    assert torch.allclose(exact.logits, plain.logits, atol=1e-4, rtol=1e-4)
    # Random weights amplify rounding: the bottleneck blocks of ResNet-50 most, the others keep above 0.98.
    alike = torch.nn.functional.cosine_similarity(half.tap.float().flatten(1), plain.tap.flatten(1))
    assert alike.min() > 0.8


def test_stages_are_freed_from_the_last_one_back() -> None:
    net = lively("resnet18")
    net.freeze_stages(3)
    frozen = [not next(group[0].parameters()).requires_grad for group in net.stages()]
    assert frozen == [True, True, True, False, False]
    net.train()
    assert [group[0].training for group in net.stages()] == [False, False, False, True, True]
    with pytest.raises(ValueError, match="5 stages"):
        net.freeze_stages(6)


@pytest.mark.parametrize("name", ["resnet18", "densenet121_attention", "efficientnet_b0"])
def test_three_classes_give_three_logits(name: str) -> None:
    net = create(name, classes=3, channels=3, size=(64, 64)).eval()
    with torch.no_grad():
        assert net(torch.randn(2, 3, 64, 64)).shape == (2, 3)


def test_a_mask_raises_every_class_but_the_first() -> None:
    """Of four classes a drawn mask says that there is something, not what."""
    net: Any = create("unet_efficientnet_lite0", classes=4, channels=1, size=(64, 64)).eval()
    x = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        before = net.run(x)
        assert before.logits.shape == (2, 4)
        assert before.mask_logits.shape == (2, 1, 64, 64)
        net.mask.bias += 3
        raised = net.run(x).logits - before.logits
    torch.testing.assert_close(raised, raised[0, 1] * torch.tensor([[0.0, 1, 1, 1]]).expand(2, -1), atol=1e-4, rtol=0.2)
    assert raised[0, 1] > 1


def test_the_residual_u_net_has_the_source_systems_size() -> None:
    net = create("resunet", classes=2, channels=3, size=(160, 160))
    trainable = sum(p.numel() for p in net.parameters())
    moving = sum(value.numel() for value in statistics(net).values())
    assert trainable == 1_206_129
    assert trainable + moving == 1_210_513


def test_the_densenet_without_attention_has_the_source_systems_size() -> None:
    # Keras reports 7,696,961 in all and 657,921 in the head; the attention layers are missing from both.
    net = create("densenet121_attention", classes=2, channels=3, size=(256, 256))
    total = sum(v.numel() for k, v in net.state_dict().items() if "attention" not in k and "num_batches" not in k)
    assert total == 7_696_961
    assert sum(p.numel() for k, p in net.named_parameters() if k.startswith("head.mlp")) == 657_921


def test_the_inception_head_has_the_source_systems_size() -> None:
    net = create("inception_resnet_v2", classes=3, channels=3, size=(224, 224))
    assert sum(p.numel() for p in net.head_parameters()) == 1_576_963


def test_vgg_is_classic_on_large_inputs_only() -> None:
    small = create("vgg16", classes=2, channels=3, size=(160, 160))
    large = create("vgg16", classes=2, channels=3, size=(224, 224))
    # The published network's 138,357,544 weights, with one output instead of a thousand.
    assert sum(p.numel() for p in large.parameters()) == 138_357_544 - 999 * 4097
    assert sum(p.numel() for p in small.parameters()) < 17_000_000
    with torch.no_grad():
        assert large.eval()(torch.randn(1, 3, 224, 224)).shape == (1, 1)


def test_vgg_with_batch_norm_has_the_published_size() -> None:
    net = create("vgg16_bn", classes=2, channels=3, size=(224, 224))
    assert sum(p.numel() for p in net.parameters()) == 138_365_992 - 999 * 4097  # torchvision's vgg16_bn


def test_requests_that_cannot_be_met_name_the_remedy() -> None:
    with pytest.raises(ModelUnavailableError, match="resnet18"):
        create("resnet19", classes=2, channels=1, size=(64, 64))
    with pytest.raises(ContractError, match="64x96"):
        create("unet_resnet18", classes=2, channels=1, size=(60, 70))
    with pytest.raises(ModelUnavailableError, match="one mask"):
        create("resunet", classes=3, channels=1, size=(64, 64))
    with pytest.raises(ModelUnavailableError, match="scratch"):
        create("resunet", classes=2, channels=1, size=(64, 64), pretrained="imagenet")
    net = create("resunet", classes=2, channels=3, size=(64, 64))
    with pytest.raises(ContractError, match="contract"):
        net.run(torch.zeros(1, 1, 64, 64))
    with pytest.raises(ContractError, match="multiples of 16"):
        net.run(torch.zeros(1, 3, 64, 60))


def test_weights_that_cannot_be_fetched_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(ModelUnavailableError, match="internet"):
        create("resnet18", classes=2, channels=1, size=(64, 64), pretrained="imagenet")
