"""Removal against the reference implementation, and verdicts on answers whose reason is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADLeastRelevantFirst, ROADMostRelevantFirst
from torch import nn

from core.explain.faithfulness import Eraser, Faithfulness, body_of, impute, random_map, road

SIDE = 48


def _smooth(seed: int, side: int = SIDE) -> NDArray[np.float64]:
    coarse = torch.rand(1, 1, 7, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")[0, 0].numpy()


def _disc(row: int, column: int, radius: int) -> NDArray[np.bool_]:
    return np.hypot(*np.mgrid[-row : SIDE - row, -column : SIDE - column]) <= radius


def _picture() -> torch.Tensor:
    """A head with a bright spot at (15, 30) on a black surround."""
    plane = np.where(_disc(24, 24, 20), 0.4 + 0.1 * _smooth(1), 0.0) + 0.6 * _disc(15, 30, 3)
    return torch.tensor(plane, dtype=torch.float32)[None, None].repeat(1, 3, 1, 1)


def _spot_answer(x: torch.Tensor) -> NDArray[np.float64]:
    """An answer that rests on the spot and nothing else."""
    spot = torch.from_numpy(_disc(15, 30, 3))
    return torch.sigmoid(20 * (x[:, 1][:, spot].mean(1) - 0.7)).double().numpy()


class Spread(nn.Module):
    """A network that answers with the picture's variance in hundredths: whatever is smoothed away lowers it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 100 * x.flatten(1).var(1, keepdim=True)


def _blob(row: int, column: int) -> NDArray[np.float64]:
    return np.exp(-(np.hypot(*np.mgrid[-row : SIDE - row, -column : SIDE - column]) ** 2) / (2 * 5**2))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_filling_equals_the_reference_implementation(share: float) -> None:
    image = np.stack([_smooth(3), _smooth(4)]) + 0.1 * np.random.default_rng(0).standard_normal((2, SIDE, SIDE))
    missing = _smooth(5) > np.quantile(_smooth(5), 1 - share)
    ours = impute(image, missing, noise=0.0, rng=np.random.default_rng(0))
    theirs = NoisyLinearImputer(noise=0.0)(torch.tensor(image).float(), torch.tensor(~missing).float()).numpy()
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.array_equal(ours[:, ~missing], image[:, ~missing])
    assert np.abs(ours - image)[:, missing].max() > 0.1


def test_a_plane_is_filled_exactly_and_nothing_from_nothing() -> None:
    plane = np.add.outer(np.arange(20.0), 2 * np.arange(20.0))[None]
    missing = np.zeros((20, 20), bool)
    missing[5:12, 6:15] = True  # the weighted mean of its neighbours is a plane's own value
    assert np.allclose(impute(plane, missing, noise=0.0, rng=np.random.default_rng(0)), plane)
    noisy = impute(plane, missing, noise=0.5, rng=np.random.default_rng(0))
    assert 0.3 < (noisy - plane)[0, missing].std() < 0.7
    with pytest.raises(ValueError, match="nothing is left"):
        impute(plane, np.ones((20, 20), bool), noise=0.0, rng=np.random.default_rng(0))


def test_answers_after_removal_equal_the_librarys_road() -> None:
    x = torch.tensor(_smooth(6) + _smooth(7)).float()[None, None].repeat(1, 3, 1, 1)  # a crop: the body is everything
    heat = _smooth(8).astype(np.float32)
    net = Spread()
    eraser = Eraser(x, fractions=(0.2, 0.4), noise=0.0)
    assert eraser.body.all()
    with torch.no_grad():
        ours = net(eraser.without(heat))[:, 0].numpy()
        least = net(eraser.without(heat, least=True))[:, 0].numpy()
        whole = float(net(x)[0, 0])
    for place, percentile in enumerate((80, 60)):
        for metric, after in (
            (ROADMostRelevantFirst(percentile), ours),
            (ROADLeastRelevantFirst(percentile), least),
        ):
            change = metric(x, heat[None], [lambda out: out[0]], net)  # with the library's own noise of 0.01
            assert after[place] - whole == pytest.approx(float(change[0]), abs=0.02)
    assert np.abs(ours - whole).min() > 0.2


def test_a_map_of_the_reason_passes_and_one_of_something_else_fails() -> None:
    x = _picture()
    right = road(_spot_answer, x, _blob(15, 30))
    assert right is not None
    assert right.passed is True
    assert right.answer > 0.95
    assert right.drop > 0.8
    assert right.unmarked_drop < 0.1
    assert right.random_drop < 0.5
    assert right.random.shape == (10, 4)
    wrong = road(_spot_answer, x, _blob(34, 14))
    assert wrong is not None
    assert wrong.passed is False
    assert wrong.drop < 0.3


def test_random_maps_seldom_pass() -> None:
    x, rng = _picture(), np.random.default_rng(3)
    outcomes = [road(_spot_answer, x, random_map(_blob(15, 30), rng), seed=n) for n in range(8)]
    assert sum(bool(f and f.passed) for f in outcomes) <= 1


def test_nothing_is_tested_without_an_answer_a_map_or_time() -> None:
    x = _picture()
    low = road(lambda pictures: np.full(len(pictures), 0.04), x, _blob(15, 30))
    assert low is not None
    assert low.passed is None
    assert road(_spot_answer, x, np.zeros((SIDE, SIDE))) is None
    assert road(_spot_answer, x, _blob(15, 30), stop=lambda: True) is None
    calls = iter(range(100))
    some = road(_spot_answer, x, _blob(15, 30), stop=lambda: next(calls) >= 7)
    assert some is not None
    assert len(some.random) == 6  # the first question is whether to begin


def test_the_figures_by_hand() -> None:
    random = np.array([[0.9, 0.7], [0.8, 0.6]])
    f = Faithfulness(0.9, (0.1, 0.2), np.array([0.5, 0.3]), np.array([0.9, 0.8]), random)
    assert f.drop == pytest.approx(0.5)
    assert f.unmarked_drop == pytest.approx(0.05)
    assert f.random_drop == pytest.approx(0.15)
    assert f.random_spread == pytest.approx(np.std([0.1, 0.2], ddof=1))
    assert f.passed is None, "two random maps tell nothing about their spread"
    assert Faithfulness(0.9, f.fractions, f.marked, f.unmarked, np.repeat(random, 3, 0)).passed is True


def test_a_random_map_is_as_smooth_and_elsewhere() -> None:
    heat = _smooth(9)
    drawn = random_map(heat, np.random.default_rng(0))
    ours, theirs = (np.abs(np.fft.rfft2(m - m.mean())) for m in (heat, drawn))
    # Where a frequency is its own mirror its phase must be 0 or pi, and so it is; all others keep their power.
    assert np.allclose(ours, theirs, atol=1e-6 * ours.max())
    assert abs(np.corrcoef(heat.ravel(), drawn.ravel())[0, 1]) < 0.6
    assert not np.array_equal(drawn, random_map(heat, np.random.default_rng(1)))


def test_the_body_is_found_on_dark_and_bright_grounds_and_a_crop_is_all_body() -> None:
    head = _disc(24, 24, 18)
    hollow = np.where(head & ~_disc(24, 24, 8), 1.0, 0.0)  # lungs are as black as the air around
    for ground in (hollow, 1 - hollow, 2000 * hollow - 1000):
        found = body_of(ground[None])
        assert (found & head).sum() / (found | head).sum() > 0.85
    assert body_of(_smooth(2)[None]).all()
    assert body_of(np.zeros((1, 8, 8))).all()


def test_only_the_body_is_removed_and_inputs_are_checked() -> None:
    x = _picture()
    eraser = Eraser(x, fractions=(0.25,))
    gone = (eraser.without(_blob(15, 30))[0, 0] != x[0, 0]).numpy()
    assert gone.sum() == pytest.approx(0.25 * eraser.body.sum(), abs=1)
    assert not (gone & ~eraser.body).any()
    again = Eraser(x, fractions=(0.25,)).without(_blob(15, 30))
    assert torch.equal(eraser.without(_blob(15, 30)), again)
    with pytest.raises(ValueError, match="pixels"):
        eraser.without(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        Eraser(x, fractions=(1.0,))
    with pytest.raises(ValueError, match="one picture"):
        Eraser(x.repeat(2, 1, 1, 1))
