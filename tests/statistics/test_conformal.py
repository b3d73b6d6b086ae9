"""Conformal sets: the promise by simulation, the quantile by hand. Bland-Altman and counts by hand and by masks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.statistics import StatisticsInputError, dice, dice_per_volume
from core.statistics.bland_altman import bland_altman
from core.statistics.conformal import cases_needed, conformal_sets, fit_conformal
from core.statistics.overlap import dice_from_counts, dice_per_volume_from_counts


def _simulated(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """An overconfident model with a rare class."""
    truth = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    logits = 2.5 * rng.normal(size=(n, 3))
    logits[np.arange(n), truth] += 2.0
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), truth


def test_every_class_is_covered_as_promised() -> None:
    """Mean coverage over 300 calibrations lies in [level, level + 1 / (n + 1)] for each class."""
    rng = np.random.default_rng(0)
    level, covered = 0.9, []
    for _ in range(300):
        rule = fit_conformal(*_simulated(rng, 300), level)
        p, truth = _simulated(rng, 600)
        hit = conformal_sets(rule, p)[np.arange(len(truth)), truth]
        covered.append([hit[truth == k].mean() for k in range(3)])
    mean, error = np.mean(covered, axis=0), np.std(covered, axis=0) / np.sqrt(300)
    assert (mean > level - 3 * error).all()
    assert (mean < level + 1 / 20 + 3 * error).all()


def test_quantile_by_hand() -> None:
    """Nine cases at 80 %: rank ceil(10 * 0.8) = 8, the eighth largest of 0.1 ... 0.9 is 0.2."""
    p = np.arange(1, 10) / 10
    both = np.concatenate([np.stack([p, 1 - p], 1), [[0.3, 0.7]]])
    rule = fit_conformal(both, [0] * 9 + [1], 0.8)
    assert rule.lowest[0] == pytest.approx(0.2)
    assert rule.cases.tolist() == [9, 1]
    assert rule.guaranteed.tolist() == [True, False]
    sets = conformal_sets(rule, np.array([[0.19, 0.81], [0.2, 0.8]]))
    assert sets.tolist() == [[False, True], [True, True]]  # too few of class 1: it is never ruled out


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_cases_needed_is_where_the_rank_first_exists(level: float) -> None:
    first = next(n for n in range(1, 1000) if np.ceil(round((n + 1) * level, 9)) <= n)
    assert cases_needed(level) == first


def test_wrong_input_is_refused() -> None:
    with pytest.raises(StatisticsInputError):
        fit_conformal(np.array([0.2, 0.8]), [0, 1], 0.9)
    with pytest.raises(StatisticsInputError):
        fit_conformal(np.array([[0.2, 0.8]]), [1], 1.0)


def test_bland_altman_by_hand() -> None:
    """Differences 2, -1, 0, 3: mean 1, squares 1 + 4 + 1 + 4, so sd = sqrt(10 / 3)."""
    found = bland_altman([12, 9, 20, 33], [10, 10, 20, 30])
    sd = np.sqrt(10 / 3)
    assert found.bias.value == 1
    assert found.sd == pytest.approx(sd)
    assert (found.lower.value, found.upper.value) == pytest.approx((1 - 1.959964 * sd, 1 + 1.959964 * sd))
    theirs = stats.ttest_1samp([2, -1, 0, 3], 0).confidence_interval(0.95)
    assert (found.bias.low, found.bias.high) == pytest.approx((theirs.low, theirs.high))
    assert found.mean.tolist() == [11, 9.5, 20, 31.5]
    with pytest.raises(StatisticsInputError):
        bland_altman([1, 2], [1, 2])


def test_the_interval_of_a_limit_covers_it() -> None:
    """The true limit 1.96 sd lies in its 95 % interval in about 95 % of simulated studies."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(300):
        upper = bland_altman(rng.normal(size=40), np.zeros(40)).upper
        inside += upper.low <= 1.959964 <= upper.high
    assert 0.91 <= inside / 300 <= 0.985


def test_counts_give_the_dice_of_the_masks() -> None:
    rng = np.random.default_rng(2)
    drawn, real = rng.random((12, 8, 8)) < 0.3, rng.random((12, 8, 8)) < 0.3
    real[3] = drawn[3] = False
    groups = [f"p{i // 4}" for i in range(12)]
    counts = drawn.sum((1, 2)), real.sum((1, 2)), (drawn & real).sum((1, 2))
    np.testing.assert_allclose(
        dice_from_counts(*counts, empty=1.0), [dice(a, b) for a, b in zip(drawn, real, strict=True)]
    )
    theirs = dice_per_volume(drawn, real, groups)
    mine = dice_per_volume_from_counts(*counts, groups)
    assert mine.groups == theirs.groups
    np.testing.assert_allclose(mine.values, theirs.values)
    with pytest.raises(StatisticsInputError):
        dice_from_counts([2], [2], [3])
