"""Networks with random weights: which weights, what is left alone, and which maps the test catches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from core.explain.methods import heat_map
from core.explain.randomisation import STEPS, Randomisation, likeness, randomise, rank_correlation, spoilt
from core.models.net import OverreadNet
from tests.models.networks import images, lively


@pytest.fixture(scope="module", params=["resnet18", "densenet121_attention", "resunet", "unet_resnet18"])
def net(request: pytest.FixtureRequest) -> OverreadNet:
    return lively(request.param)


def _backbone_parts(net: OverreadNet) -> list[set[int]]:
    return [{id(p) for module in group for p in module.parameters()} for group in net.stages()]


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_each_step_redraws_its_part_and_shares_the_rest(net: OverreadNet, step: int) -> None:
    twin = spoilt(net, step, seed=3)
    last = _backbone_parts(net)[-1]
    for (name, own), theirs in zip(net.named_parameters(), twin.parameters(), strict=True):
        changed = not name.startswith("backbone.") or step == 2 or (step == 1 and id(own) in last)
        assert (theirs is not own) == changed, name
        if changed and own.numel() > 500:
            assert not torch.equal(theirs, own), name
            assert float(theirs.std()) == pytest.approx(float(own.std()), rel=0.2), name
    assert not twin.training
    assert torch.isfinite(twin.run(images(net)).logits).all()


def test_the_network_is_left_as_it_was() -> None:
    net = lively("resunet")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    randomise(net, lambda some: heat_map(some, images(net, 1), 1)[0], repeats=1)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_map_of_the_picture_alone_is_caught(net: OverreadNet) -> None:
    x = images(net, 1)
    picture = np.abs(x[0, 0].numpy())
    outcome = randomise(net, lambda _: picture, repeats=1)
    assert outcome.correlation == (1.0, 1.0, 1.0)
    assert outcome.similarity == pytest.approx((1.0, 1.0, 1.0))
    assert outcome.passed is False


def test_grad_cam_needs_the_network_and_eigencam_not_its_head() -> None:
    net = lively("resnet18")
    x = images(net, 1)

    def draw(method: str) -> Randomisation:
        return randomise(net, lambda some: heat_map(some, x, 1, method)[0])

    cam, eigen = draw("grad-cam"), draw("eigencam")
    assert cam.steps == STEPS
    assert max(cam.correlation) < 0.9
    assert cam.correlation[2] < 0.6
    assert eigen.correlation[0] == pytest.approx(1.0)
    assert max(cam.similarity) < 0.99


def test_the_verdict_is_by_the_second_step() -> None:
    assert Randomisation(STEPS, (0.9, 0.2, 0.0), (1.0, 0.5, 0.2)).passed is True
    assert Randomisation(STEPS, (0.9, 0.6, 0.0), (1.0, 0.5, 0.2)).passed is False
    assert Randomisation(STEPS[:1], (0.1,), (0.2,)).passed is None


def test_what_time_did_not_allow_is_absent() -> None:
    net = lively("resnet18")
    asked = iter(range(100))
    noise = np.random.default_rng(0)

    def draw(_: OverreadNet) -> NDArray[np.float32]:
        return noise.random((16, 16), dtype=np.float32)

    outcome = randomise(net, draw, repeats=2, stop=lambda: next(asked) >= 3)
    assert outcome.steps == STEPS[:1]  # the second step had one of its two repeats
    assert len(outcome.correlation) == len(outcome.similarity) == 1
    assert outcome.passed is None


def test_likeness_by_known_cases() -> None:
    rng = np.random.default_rng(0)
    map_ = rng.random((12, 10))
    assert rank_correlation(map_, map_**3) == pytest.approx(1.0)  # only the order counts
    assert rank_correlation(map_, -map_) == pytest.approx(-1.0)
    other = rng.random((12, 10))
    ranks = [stats.rankdata(m.ravel()) for m in (map_, other)]
    assert rank_correlation(map_, other) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert rank_correlation(map_, np.zeros((12, 10))) == 0.0
    assert likeness(map_, map_) == pytest.approx(1.0)
    assert likeness(map_, other) < 0.3
    assert likeness(map_[:4, :4], map_[:4, :4]) == pytest.approx(1.0)
