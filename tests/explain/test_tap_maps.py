"""LayerCAM and EigenCAM from the tap: pytorch-grad-cam's maps of a clean copy, without the library and its pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenCAM, LayerCAM
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection
from torch import nn

from core.explain.gradcam import Target
from core.explain.methods import heat_map
from core.explain.tap_maps import METHODS, eigen_cam, tap_map
from core.models import program
from core.models.heads import mask_score
from core.models.members import Members
from core.models.net import OverreadNet
from core.models.registry import architectures
from tests.models.networks import clean_copy, images, lively

LIBRARY = {"layercam": LayerCAM, "eigencam": EigenCAM}
SEGMENTERS = ["unet_resnet18", "resunet", "unet_efficientnet_lite0"]  # one of every kind of decoder


@pytest.fixture(scope="module", params=[*architectures(), "members"])
def net(request: pytest.FixtureRequest) -> OverreadNet:
    if request.param != "members":
        return lively(request.param)
    one, other = lively("efficientnet_lite0"), lively("efficientnet_lite0")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.03)
    return Members([one, other]).eval()


class Explained(nn.Module):
    """A network as one that returns what is explained, one number an image."""

    def __init__(self, net: OverreadNet, target: Target) -> None:
        super().__init__()
        self.net = clean_copy(net)
        self.target = target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.net.run(x)
        if self.target == "mask":
            assert out.mask_logits is not None
            return mask_score(out.mask_logits)[:, None]
        return out.logits if self.target == 1 else -out.logits


def by_library(net: OverreadNet, x: torch.Tensor, target: Target, method: str) -> np.ndarray:
    module = Explained(net, target)
    with LIBRARY[method](model=module, target_layers=[module.net.tap_module]) as cam:
        return np.asarray(cam(x, targets=[lambda said: said[0]] * len(x)))


@pytest.mark.parametrize("method", METHODS)
def test_every_network_gives_the_librarys_maps(net: OverreadNet, method: str) -> None:
    x = images(net)
    for target in (0, 1):
        maps = tap_map(net, x, target, method)
        assert maps.shape == (2, *net.size)
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps, by_library(net, x, target, method), atol=1e-4)
        assert maps.std((1, 2)).max() > 0.01, "constant maps explain nothing"
        again = tap_map(net, x[1:], target, method, net.trace(x[1:]))
        np.testing.assert_allclose(again, maps[1:], atol=1e-4)


@pytest.mark.parametrize("architecture", SEGMENTERS)
@pytest.mark.parametrize("found", [True, False])
def test_the_outlines_map_is_the_librarys(architecture: str, found: bool, tmp_path: Path) -> None:
    """Walked back from one image's answer, by the network or its program; by gradients of several."""
    net = lively(architecture)
    with torch.no_grad():
        last = [one for one in net.modules() if isinstance(one, nn.Conv2d) and one.out_channels == 1][-1]
        assert last.bias is not None
        last.bias.add_(3.0 if found else -1000.0)
    x = images(net)
    wanted = by_library(net, x, "mask", "layercam")
    assert wanted.std((1, 2)).min() > 0.01
    np.testing.assert_allclose(tap_map(net, x, "mask", "layercam"), wanted, atol=1e-4)
    program.write(net, tmp_path)
    own = net.trace(x[:1]).gates
    for compiled, apart in ((None, 1e-4), (program.read(net, tmp_path), 1e-3)):
        net.program = compiled
        trace = net.trace(x[:1])
        assert trace.gates
        # A ReLU of the decoder that rounding lifts over 0 lets its whole gradient through: a program rounds otherwise,
        # on each kind of processor in its own way.
        lifted = sum(int((one != other).sum()) for one, other in zip(trace.gates, own, strict=True))
        assert lifted <= 1e-5 * sum(one.numel() for one in own)
        for kept in (trace, None):
            drawn = tap_map(net, x[:1], "mask", "layercam", kept)
            np.testing.assert_allclose(drawn, wanted[:1], atol=2e-2 if lifted else apart)
            assert np.abs(drawn - wanted[:1]).mean() < 1e-3


def test_several_segmenters_as_one_are_explained_by_gradients() -> None:
    joined = Members([lively("resunet"), lively("resunet")]).eval()
    x = images(joined)
    np.testing.assert_allclose(
        heat_map(joined, x, "mask", "layercam"), by_library(joined, x, "mask", "layercam"), atol=1e-4
    )


@pytest.mark.parametrize(
    "shape", [(1, 4, 5), (3, 7, 7), (40, 7, 7), (49, 7, 7), (64, 10, 12), (90, 7, 7), (512, 5, 5), (1280, 7, 7)]
)
def test_the_main_direction_and_its_sign_are_the_librarys(shape: tuple[int, int, int]) -> None:
    """Of more and fewer positions than channels, with channels that are nothing and with values on either side of 0."""
    rng = np.random.default_rng(sum(shape))
    for number in range(12):
        taps = rng.standard_normal((2, *shape)).astype(np.float32)
        taps += 2 * rng.standard_normal((2, shape[0], 1, 1)) * rng.random((2, 1, *shape[1:]))
        if number % 2:
            taps = np.maximum(taps, 0)
            taps[:, : shape[0] // 3] = 0
        taps = taps.astype(np.float32)
        drawn = eigen_cam(torch.from_numpy(taps)).numpy()
        wanted = np.maximum(get_2d_projection(taps), 0)
        np.testing.assert_allclose(drawn, wanted, atol=1e-4 * wanted.max())


def test_a_tap_that_says_nothing_gives_an_empty_map_and_one_of_no_numbers_none() -> None:
    assert eigen_cam(torch.full((1, 8, 4, 4), 0.5)).max() == 0
    for value in (torch.nan, torch.inf):
        tap = torch.rand(2, 8, 4, 4)
        tap[0, 3, 1, 1] = value
        found = eigen_cam(tap).isfinite().flatten(1)
        assert not found[0].any()
        assert found[1].all()


def test_there_is_no_map_of_what_is_not_there() -> None:
    net = lively("resnet18")
    with pytest.raises(ValueError, match="no mask"):
        tap_map(net, images(net), "mask", "layercam")
    with pytest.raises(ValueError, match="no class 2"):
        tap_map(net, images(net), 2, "layercam")


ALONE = """
import importlib.util, sys, torch
from core.explain.methods import heat_map
from core.models.registry import create
for name, target in (("resnet18", 1), ("resunet", "mask"), ("densenet121_attention", 0)):
    net = create(name, classes=2, channels=1, size=(96, 96)).eval()
    for method in ("layercam", "eigencam"):
        assert heat_map(net, torch.rand(1, 1, 96, 96), target, method).shape == (1, 96, 96)
assert "pytorch_grad_cam" not in sys.modules, "the library was imported"
assert importlib.util.find_spec("pytorch_grad_cam"), "it has another name, so nothing would have been noticed"
"""


def test_the_library_is_not_imported() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
