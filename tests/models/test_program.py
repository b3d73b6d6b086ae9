"""A compiled program says what its network says, alone or in a batch, and stands back where it would not."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.explain.gradcam import Target, explain_forward, grad_cam, outline_cam
from core.explain.methods import heat_map
from core.models import program
from core.models.members import Members
from core.models.net import OverreadNet
from tests.models.networks import images, lively


@pytest.fixture(scope="module", params=["resnet18", "densenet121_attention", "unet_resnet18", "resunet", "slab3d"])
def net(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OverreadNet:
    """A network with its program."""
    made = lively(request.param)
    folder = tmp_path_factory.mktemp("program")
    program.write(made, folder)
    made.program = program.read(made, folder)
    return made


def plain(net: OverreadNet) -> OverreadNet:
    """The network without its program."""
    twin = copy.deepcopy(net)
    assert twin.program is None
    return twin


def test_the_answer_is_the_networks(net: OverreadNet) -> None:
    x = images(net, 3)
    with torch.inference_mode():
        said, stages = net.run_with_stages(x)
        wanted = plain(net).run(x)
    torch.testing.assert_close(said.logits, wanted.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(said.features, wanted.features, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(stages[-1], wanted.tap, atol=1e-3, rtol=1e-3)
    assert (said.mask_logits is None) == (wanted.mask_logits is None)
    if said.mask_logits is not None and wanted.mask_logits is not None:
        torch.testing.assert_close(said.mask_logits.sigmoid(), wanted.mask_logits.sigmoid(), atol=1e-4, rtol=0)


def test_an_answer_does_not_depend_on_its_batch(net: OverreadNet) -> None:
    x = images(net, 5)
    with torch.inference_mode():
        together = net.run(x).logits
        alone = torch.cat([net.run(one[None]).logits for one in x])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_an_image_without_numbers_has_no_answer_as_the_network_gives_none(net: OverreadNet) -> None:
    """OpenVINO's ReLU takes what is no number for 0: nothing of that may look like an answer."""
    x = images(net, 4)
    x[1, 0, 3:6, 3:6], x[2, -1, 8, 8] = torch.nan, torch.inf
    with torch.inference_mode():
        said, stages = net.run_with_stages(x)
        wanted = plain(net).run(x)
    for one, other in ((said.logits, wanted.logits), (said.mask_logits, wanted.mask_logits)):
        if one is not None and other is not None:
            assert [bool(part.isfinite().all()) for part in one] == [True, False, False, True]
            assert [bool(part.isfinite().all()) for part in other] == [True, False, False, True]
    assert said.features[[1, 2]].isnan().all()
    assert stages[-1][[1, 2]].isnan().all()
    torch.testing.assert_close(said.logits[[0, 3]], wanted.logits[[0, 3]], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["resnet18", "unet_resnet18"])
def test_a_batch_in_two_halves_is_what_the_network_says(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every image and every map of it in its place; gates are of the first image, as always."""
    made = lively(architecture)
    program.write(made, tmp_path)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    halves = program.read(made, tmp_path)
    for count in (1, 2, 3, 5):
        x = images(made, count)
        with torch.inference_mode():
            said, stages = halves(x)
            wanted, own = made.run_with_stages(x)
        torch.testing.assert_close(said.logits, wanted.logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(said.features, wanted.features, atol=1e-4, rtol=1e-3)
        for one, other in zip(stages, own if made.draws_masks else own[-1:], strict=True):
            torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
        if said.mask_logits is not None and wanted.mask_logits is not None:
            torch.testing.assert_close(said.mask_logits.sigmoid(), wanted.mask_logits.sigmoid(), atol=1e-4, rtol=0)
        assert [one.shape for one in said.gates] == [one.shape for one in wanted.gates]
        agree = [(one == other).float().mean() for one, other in zip(said.gates, wanted.gates, strict=True)]
        assert min(agree, default=1.0) > 0.999  # a ReLU at zero may let through by rounding


def test_what_fails_in_one_half_leaves_the_other_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lively("resnet18")
    program.write(made, tmp_path)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    halves, x = program.read(made, tmp_path), images(made, 2)
    wanted = halves(x)[0].logits
    spoilt = halves._requests[1]

    class Failing:
        def set_input_tensor(self, *_: object) -> None:
            raise RuntimeError("no memory")

    halves._requests[1] = Failing()
    with pytest.raises(RuntimeError, match="no memory"):
        halves(x)
    halves._requests[1] = spoilt
    torch.testing.assert_close(halves(x)[0].logits, wanted, atol=0, rtol=0)


def test_heat_maps_are_those_of_the_network(net: OverreadNet) -> None:
    x = images(net, 2)
    target: Target = "mask" if net.draws_masks else 1
    size = (int(x.shape[2]), int(x.shape[3]))
    maps, peaks = grad_cam(explain_forward(net, x), target, size=size, linear_weight=net.linear_weight)
    twin = plain(net)
    wanted, high = grad_cam(explain_forward(twin, x), target, size=size, linear_weight=twin.linear_weight)
    assert wanted.max() > 0.9
    np.testing.assert_allclose(maps, wanted, atol=1e-3)
    # A decoder's ReLU that rounding lifts over 0 lets its whole gradient through: that moves the peak of a network of
    # random numbers by up to a hundredth, and its map not at all.
    np.testing.assert_allclose(peaks, high, rtol=1e-2 if net.draws_masks else 1e-3)
    np.testing.assert_allclose(
        heat_map(net, x[:1], target, "layercam"), heat_map(twin, x[:1], target, "layercam"), atol=1e-3
    )


@pytest.mark.parametrize("architecture", ["unet_resnet18", "resunet", "unet_efficientnet_lite0"])
@pytest.mark.parametrize("found", [True, False])
def test_the_outlines_map_is_autograds(architecture: str, found: bool, tmp_path: Path) -> None:
    """Also where no pixel is positive and the strongest ones are explained."""
    made = lively(architecture)
    with torch.no_grad():
        last = [one for one in made.modules() if isinstance(one, nn.Conv2d) and one.out_channels == 1][-1]
        assert last.bias is not None
        last.bias.add_(3.0 if found else -1000.0)
    program.write(made, tmp_path)
    x = images(made, 1)
    twin = copy.deepcopy(made)
    made.program = program.read(made, tmp_path)
    explained = explain_forward(twin, x)
    assert explained.mask_logits is not None
    assert bool((explained.mask_logits > 0).any()) == found
    wanted, high = grad_cam(explained, "mask", size=made.size)
    drawn, peak = outline_cam(made, made.trace(x), size=made.size)
    assert high[0] > 0
    np.testing.assert_allclose(peak, high, rtol=1e-3)
    np.testing.assert_allclose(drawn, wanted, atol=1e-3)


@pytest.mark.parametrize("architecture", ["unet_resnet18", "resunet", "unet_efficientnet_lite0"])
@pytest.mark.parametrize(
    "found",
    [(0, 2, 0, 3), (-3, None, -2, None), (0, 1, -1, None), (17, 22, 30, 31), (20, 21, 0, None), (0, None, 31, 34)],
)
def test_the_way_back_of_a_part_is_autograds(architecture: str, found: tuple[int | None, ...]) -> None:
    """Of a few explained pixels, in corners, on edges, within: what is left out of the walk is nothing."""
    net = lively(architecture)
    x = images(net, 1)
    top, bottom, left, right = found
    trace = net.trace(x)
    assert len(trace.gates) in (8, 10)
    explained = torch.zeros(1, 1, *net.size)
    explained[:, :, top:bottom, left:right] = 1.0
    stages = net.maps(x)
    tap = stages[-1].clone().requires_grad_()
    mask = net.output_from_stages([*stages[:-1], tap]).mask_logits
    assert mask is not None
    (gradient,) = torch.autograd.grad((mask * explained).sum(), tap)
    wanted = (gradient.mean((2, 3), keepdim=True) * tap).sum(1).relu().detach()
    answered = replace(trace, mask_logits=explained - 0.5)
    drawn = net.outline_map(answered)
    walked = net.outline_gradient(answered)
    torch.testing.assert_close(walked, gradient, atol=1e-4 * float(gradient.abs().max()), rtol=1e-4)
    assert gradient.abs().max() > 0
    torch.testing.assert_close(drawn, wanted, atol=1e-4 * float(wanted.max()) + 1e-12, rtol=1e-4)


def test_several_networks_as_one_are_explained_by_gradients(tmp_path: Path) -> None:
    joined = Members([lively("resunet"), lively("resunet")]).eval()
    x = images(joined, 1)
    wanted, _ = grad_cam(explain_forward(joined, x), "mask", size=joined.size)
    program.write(joined, tmp_path)
    for compiled in (None, program.read(joined, tmp_path)):
        joined.program = compiled
        trace = joined.trace(x)
        assert trace.gates == ()
        drawn, peak = outline_cam(joined, trace, size=joined.size)
        assert peak[0] > 0
        np.testing.assert_allclose(drawn, wanted, atol=1e-3)


def test_other_sizes_and_batches_are_drawn_by_the_network(net: OverreadNet) -> None:
    if not net.draws_masks:
        with pytest.raises(ValueError, match="draws no mask"):
            net.outline_map(net.trace(images(net, 1)))
        return
    x = images(net, 2)
    for asked in (x, torch.nn.functional.pad(x[:1], (32, 0, 32, 0))):
        trace = net.trace(asked)
        torch.testing.assert_close(net.outline_map(trace), plain(net).outline_map(trace), atol=0, rtol=0)


def test_it_stands_back_for_gradients_training_and_other_sizes(net: OverreadNet) -> None:
    def never(x: torch.Tensor) -> program.Pass:
        raise AssertionError("the program was asked")

    twin = plain(net)
    twin.program = never  # type: ignore[assignment]
    x = images(net, 2)
    twin.run(x)
    with torch.no_grad():
        twin.train().run(x)
        twin.eval()
        if net.architecture != "densenet121_attention":
            twin.run(torch.nn.functional.pad(x, (32, 0, 32, 0)))
        with torch.autocast("cpu", torch.bfloat16):
            twin.run(x)
        with pytest.raises(AssertionError, match="the program was asked"):
            twin.run(x)


def test_an_altered_copy_answers_for_itself(net: OverreadNet) -> None:
    x = images(net, 1)
    twin = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in twin.head_parameters():
            parameter.zero_()
        assert not torch.allclose(twin.run(x).logits, net.run(x).logits, atol=1e-3)
