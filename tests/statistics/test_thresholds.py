"""Operating points: against the curve of scikit-learn and a plain search."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_curve

from core.statistics import at_sensitivity, balanced_accuracy_optimum, binary_rates, youden


def cases(seed: int, digits: int = 2, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    return truth, np.round(1 / (1 + np.exp(-rng.normal(size=n) - 1.5 * truth + 0.7)), digits)


@pytest.mark.parametrize("seed", range(4))
def test_youden_reaches_the_best_point_of_the_curve(seed: int) -> None:
    truth, probability = cases(seed)
    chosen = youden(truth, probability, n=20)
    fpr, tpr, _ = roc_curve(truth, probability, drop_intermediate=False)
    assert chosen.sensitivity + chosen.specificity - 1 == pytest.approx((tpr - fpr).max())
    rates = binary_rates(truth, probability, chosen.value)
    assert (rates.sensitivity, rates.specificity) == pytest.approx((chosen.sensitivity, chosen.specificity))


def test_balanced_accuracy_optimum_beats_every_other_cut() -> None:
    truth, probability = cases(5)
    chosen = balanced_accuracy_optimum(truth, probability, n=20)
    best = max(balanced_accuracy_score(truth, probability >= cut) for cut in np.unique(probability))
    assert binary_rates(truth, probability, chosen.value).balanced_accuracy == pytest.approx(best)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_at_sensitivity_is_the_highest_that_reaches_it(target: float) -> None:
    truth, probability = cases(6)
    chosen = at_sensitivity(truth, probability, target, n=20)
    reaching = [c for c in np.unique(probability) if (probability[truth == 1] >= c).mean() >= target]
    assert binary_rates(truth, probability, chosen.value).sensitivity >= target
    assert (probability >= chosen.value).sum() == (probability >= max(reaching)).sum()
    assert f"{target:g}" in chosen.rule


def test_ties_go_to_the_lower_threshold() -> None:
    """Cuts at 0.25 and 0.65 both have J = 0.5: the lower one misses nobody."""
    chosen = youden([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.8], n=10)
    assert chosen.value == pytest.approx(0.25)
    assert chosen.sensitivity == 1


def test_neighbouring_floats_stay_apart() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    chosen = youden([0, 1], [low, high], n=10)
    assert low < chosen.value <= high


def test_interval_by_group_is_wider_than_by_case_and_holds_the_value() -> None:
    rng = np.random.default_rng(7)
    group = np.repeat(np.arange(25), 20)
    truth = rng.integers(0, 2, 500)
    logit = 1.5 * rng.normal(size=25)[group] + rng.normal(size=500) + 2 * truth - 1
    probability = 1 / (1 + np.exp(-logit))
    by_group, by_case = youden(truth, probability, group), youden(truth, probability)
    assert by_group.low <= by_group.value <= by_group.high
    assert by_group.high - by_group.low > by_case.high - by_case.low
    assert (by_group.n, by_group.groups, by_case.groups) == (500, 25, 500)
    assert by_group == youden(truth, probability, group)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="both"):
        youden([1, 1], [0.2, 0.3])
    with pytest.raises(ValueError, match="at most 1"):
        at_sensitivity([0, 1], [0.2, 0.3], target=1.5)
    with pytest.raises(ValueError, match="sigmoid"):
        youden([0, 1], [-3.0, 3.0])
