"""Curves and operating points: against scikit-learn, the plain bootstrap, and cases worked by hand."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from scipy import stats
from sklearn import calibration as sk_calibration
from sklearn import metrics as sk

from core.statistics import StatisticsInputError, binary_rates, bootstrap_by_group, brier, ece, roc_auc, weighted
from core.statistics.curves import (
    precision_recall_band,
    precision_recall_curve,
    reliability,
    roc_band,
    roc_curve,
)
from core.statistics.decision import decision_curve
from core.statistics.operating import operating_point, operating_points
from core.statistics.weighted import bootstrap_weighted

MODULES = ("bland_altman", "conformal", "curves", "decision", "operating", "overlap", "weighted")


def _cases(seed: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, probability with ties, group of about ten."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    return truth, np.round(np.clip(0.25 * truth + rng.random(n) * 0.7, 0, 1), 2), rng.integers(0, n // 10, n)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"core.statistics.{name}"), extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0


def test_roc_curve_matches_sklearn() -> None:
    truth, score, _ = _cases()
    x, y, threshold = sk.roc_curve(truth, score, drop_intermediate=False)
    mine = roc_curve(truth, score)
    np.testing.assert_allclose(mine.x, x)
    np.testing.assert_allclose(mine.y, y)
    np.testing.assert_allclose(mine.threshold, threshold)
    assert mine.area == pytest.approx(sk.roc_auc_score(truth, score))


def test_precision_recall_curve_matches_sklearn() -> None:
    truth, score, _ = _cases(1)
    precision, recall, threshold = sk.precision_recall_curve(truth, score)
    mine = precision_recall_curve(truth, score)
    np.testing.assert_allclose(mine.y[1:][::-1], precision[:-1])  # their last point is an invented (0, 1)
    np.testing.assert_allclose(mine.x[1:][::-1], recall[:-1])
    np.testing.assert_allclose(mine.threshold[1:][::-1], threshold)
    assert mine.area == pytest.approx(sk.average_precision_score(truth, score))


def test_a_curve_needs_both_classes() -> None:
    with pytest.raises(StatisticsInputError):
        roc_curve([1, 1], [0.2, 0.4])


def test_bands_are_the_percentiles_of_copied_resamples() -> None:
    """The same draws, done the slow way: copy the cases of the drawn groups and read scikit-learn's curve."""
    truth, score, groups = _cases(2, 120)
    names, codes = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(5).multinomial(len(names), np.full(len(names), 1 / len(names)), size=60)
    at_fpr, at_recall = [], []
    for times in drawn:
        rows = np.repeat(np.arange(len(truth)), times[codes])
        x, y, _ = sk.roc_curve(truth[rows], score[rows], drop_intermediate=False)
        at_fpr.append([y[x <= 0.2 + 1e-12][-1] if (x == 0.2).any() else np.interp(0.2, x, y), y[x == 0][-1]])
        precision, recall, _ = sk.precision_recall_curve(truth[rows], score[rows])
        at_recall.append(precision[:-1][recall[:-1] >= 0.7 - 1e-12][-1])
    band = roc_band(truth, score, groups, n=60, seed=5, points=6)
    low, high = np.quantile(np.array(at_fpr), [0.025, 0.975], axis=0)
    np.testing.assert_allclose([band.low[1], band.low[0]], low)
    np.testing.assert_allclose([band.high[1], band.high[0]], high)
    other = precision_recall_band(truth, score, groups, n=60, seed=5, points=10)
    np.testing.assert_allclose([other.low[6], other.high[6]], np.quantile(at_recall, [0.025, 0.975]))


def test_reliability_matches_sklearn() -> None:
    truth, score, groups = _cases(3)
    observed, stated = sk_calibration.calibration_curve(truth, score, n_bins=10)
    bins = reliability(score + 1e-9, truth, groups, bins=10, n=50)  # off the edges, which they put in the lower bin
    full = bins.cases > 0
    np.testing.assert_allclose(bins.stated[full], stated, atol=0.02)
    theirs = np.histogram(score + 1e-9, np.linspace(0, 1, 11))[0]
    np.testing.assert_array_equal(bins.cases, theirs)
    noisy = np.clip(score + np.random.default_rng(0).uniform(1e-4, 4e-3, len(score)), 0, 0.9999)
    observed, stated = sk_calibration.calibration_curve(truth, noisy, n_bins=10)
    bins = reliability(noisy, truth, groups, bins=10, n=50)
    full = bins.cases > 0
    np.testing.assert_allclose(bins.stated[full], stated)
    np.testing.assert_allclose(bins.observed[full], observed)
    known = np.isfinite(bins.low)
    assert known.any()
    assert (bins.low[known] <= bins.observed[known]).all()
    assert (bins.high[known] >= bins.observed[known]).all()


def test_a_bin_of_one_group_gets_no_interval() -> None:
    bins = reliability([0.1, 0.2, 0.9, 0.8], [0, 1, 1, 0], groups=["a", "b", "c", "c"], bins=2, n=200)
    assert np.isfinite(bins.low[0])
    assert np.isnan(bins.low[1])


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "balanced_accuracy", "accuracy"])
def test_operating_point_has_the_intervals_of_the_plain_bootstrap(name: str) -> None:
    truth, score, groups = _cases(4, 150)
    fast = getattr(operating_points(truth, score, [0.7, 0.4], groups, n=80, seed=3)[1], name)
    assert fast == getattr(operating_point(truth, score, 0.4, groups, n=80, seed=3), name)
    plain = bootstrap_by_group(lambda t, p: getattr(binary_rates(t, p, 0.4), name), [truth, score], groups, 80, 3)
    assert (fast.value, fast.low, fast.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert (fast.n, fast.groups, fast.method) == (plain.n, plain.groups, plain.method)


def test_operating_point_by_hand() -> None:
    """8 of 10 found, 18 of 20 cleared, at 5 %: of 1,000 people 40 found, 10 missed, 95 alarms, 855 cleared."""
    truth = np.repeat([1, 0], [10, 20])
    score = np.concatenate([np.repeat([0.9, 0.1], [8, 2]), np.repeat([0.9, 0.1], [2, 18])])
    point = operating_point(truth, score, 0.5, prevalence=0.05, n=20)
    assert [share.value for share in point.per_1000] == pytest.approx([40, 10, 95, 855])
    assert point.ppv.value == pytest.approx(40 / 135)
    assert point.npv.value == pytest.approx(855 / 865)
    assert point.number_needed_to_screen.value == pytest.approx(25)
    assert point.reads_per_finding.value == pytest.approx(135 / 40)
    assert point.diagnostic_odds_ratio.value == pytest.approx(8 * 18 / (2 * 2))
    with pytest.raises(StatisticsInputError):
        operating_point(truth, score, 0.5, prevalence=0.0)


def test_who_always_says_the_same_has_no_odds_ratio() -> None:
    truth = np.repeat([1, 0], [10, 20])
    for score in (np.ones(30), np.zeros(30)):
        point = operating_point(truth, score, 0.5, n=20)
        assert np.isnan(point.diagnostic_odds_ratio.value)
        assert point.balanced_accuracy.value == 0.5
    one_alarm = np.concatenate([np.ones(10), [1.0], np.zeros(19)])  # no miss: 0.5 is added to every cell
    odds = operating_point(truth, one_alarm, 0.5, n=20).diagnostic_odds_ratio.value
    assert odds == pytest.approx(10.5 * 19.5 / (1.5 * 0.5))


def test_weighted_statistics_give_the_plain_bootstrap() -> None:
    truth, score, groups = _cases(6, 150)
    pairs = (
        (weighted.auc(truth, score), roc_auc),
        (weighted.average_precision(truth, score), lambda t, p: float(sk.average_precision_score(t, p))),
        (weighted.expected_calibration_error(score, truth), lambda t, p: ece(p, t)),
        (weighted.mean((score - truth) ** 2), lambda t, p: brier(p, t)),
        (weighted.mean(score >= 0.4, of=truth), lambda t, p: binary_rates(t, p, 0.4).sensitivity),
    )
    for rows, plain in pairs:
        fast = bootstrap_weighted(rows, len(truth), groups, n=80, seed=2)
        slow = bootstrap_by_group(plain, [truth, score], groups, n=80, seed=2)
        assert (fast.value, fast.low, fast.high) == pytest.approx((slow.value, slow.low, slow.high))


def test_decision_curve_by_hand() -> None:
    """Ten cases, four diseased. At 0.2 (odds 1/4): 4 found, 3 alarms, so 0.4 - 0.3 / 4; all: 0.4 - 0.6 / 4."""
    truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    score = [0.9, 0.8, 0.7, 0.3, 0.6, 0.4, 0.2, 0.1, 0.1, 0.05]
    curve = decision_curve(truth, score, [0.2, 0.5])
    np.testing.assert_allclose(curve.model, [0.4 - 0.3 / 4, 0.3 - 0.1])
    np.testing.assert_allclose(curve.treat_all, [0.4 - 0.6 / 4, 0.4 - 0.6])
    rare = decision_curve(truth, score, [0.2], prevalence=0.01)
    np.testing.assert_allclose(rare.model, [0.01 * 1 - 0.99 * 0.5 / 4])


def test_rates_without_an_error_are_not_certain() -> None:
    """Six ill patients of two cases each, four well ones: all told apart, and yet only so many were asked."""
    truth = np.repeat([1] * 6 + [0] * 4, 2)
    patients = np.repeat(np.arange(10), 2)
    point = operating_point(truth, truth * 0.8 + 0.1, 0.5, patients)
    for rate, asked in ((point.sensitivity, 6), (point.specificity, 4), (point.accuracy, 10)):
        expected = stats.binomtest(asked, asked).proportion_ci(method="wilson")
        assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high))
    always = operating_point(truth, np.ones(20), 0.5, patients)
    assert (always.sensitivity.low, always.sensitivity.high) == (1.0, 1.0)  # by definition, not by luck
