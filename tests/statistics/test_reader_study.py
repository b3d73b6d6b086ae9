"""Against the published analysis of Van Dyke's readings (OR-DBM MRMC 2.51 of the University of Iowa, 30 April 2020)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from core.errors import OverreadError
from core.statistics.delong import delong_test
from core.statistics.multireader import reader_study
from core.statistics.multireader.reader_study import To
from tests.statistics.jackknife import covariance

# Two treatments, five readers, 114 cases: figures, and the jackknife's covariances as the published table has them.
FIGURES = np.array(
    [
        [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
)
ERROR = {0: 0.00101410, 1: 0.00059047}
SAME_ARM = {0: 0.00048396, 1: 0.00020419}
SAME_READER, NEITHER = 0.00034661, 0.00023903


def van_dyke() -> np.ndarray:
    return covariance(5, ERROR, SAME_ARM, SAME_READER, NEITHER)


def test_random_readers_and_cases_as_published() -> None:
    found = reader_study.compare(FIGURES, van_dyke())
    assert found.test.statistic == pytest.approx(4.456, abs=0.002)
    assert found.test.df == (1, pytest.approx(15.26, abs=0.01))
    assert found.test.p == pytest.approx(0.0517, abs=5e-5)
    gap = found.differences[0]
    assert (gap.first, gap.second) == (0, 1)
    assert gap.interval.value == pytest.approx(-0.04380, abs=5e-6)
    assert (gap.interval.low, gap.interval.high) == pytest.approx((-0.08796, 0.00036), abs=2e-5)
    assert gap.p == pytest.approx(0.0517, abs=5e-5)
    assert [(a.low, a.high) for a in found.arms] == [
        pytest.approx((0.82522360, 0.96885048), abs=2e-6),
        pytest.approx((0.89413783, 0.98753689), abs=2e-6),
    ]


def test_components_as_published() -> None:
    found = reader_study.components(FIGURES, van_dyke())
    assert found.reader == pytest.approx(0.00153500, abs=2e-8)
    assert found.interaction == pytest.approx(0.00020040, abs=2e-8)
    assert found.error == pytest.approx(0.00080229, abs=1e-8)
    assert found.same_arm == pytest.approx(0.00034407, abs=1e-8)


def test_fixed_readers_as_published() -> None:
    found = reader_study.compare(FIGURES, van_dyke(), To.CASES)
    assert found.test.statistic == pytest.approx(5.47595, abs=5e-4)
    assert found.test.p == pytest.approx(0.0193, abs=5e-5)
    gap = found.differences[0].interval
    assert (gap.low, gap.high) == pytest.approx((-0.08049, -0.00711), abs=1e-5)
    assert [(a.low, a.high) for a in found.arms] == [
        pytest.approx((0.84943008, 0.94464399), abs=5e-6),
        pytest.approx((0.90795637, 0.97371835), abs=5e-6),
    ]


def test_fixed_cases_as_published_and_as_the_paired_t_test() -> None:
    found = reader_study.compare(FIGURES, van_dyke(), To.READERS)
    assert found.test.statistic == pytest.approx(8.70, abs=0.005)
    assert found.test.p == pytest.approx(0.0420, abs=5e-5)
    assert found.test.p == pytest.approx(stats.ttest_rel(FIGURES[0], FIGURES[1]).pvalue)
    gap = found.differences[0].interval
    assert (gap.low, gap.high) == pytest.approx((-0.08502, -0.00258), abs=1e-5)


def readings(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Ratings of 3 readers in 2 arms of 40 cases, on five steps, so that there are ties."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([1, 0], [15, 25])
    case = rng.normal(size=40)
    ratings = truth * 1.2 + case + rng.normal(size=(2, 3, 40))
    return truth, np.digitize(ratings, [-1.0, 0.0, 1.0, 2.0]).astype(float)


def test_areas_are_those_of_scikit_learn_and_a_pair_is_delongs_test() -> None:
    truth, ratings = readings()
    figures, covariance = reader_study.areas(truth, ratings)
    for arm in range(2):
        for reader in range(3):
            assert figures[arm, reader] == pytest.approx(roc_auc_score(truth, ratings[arm, reader]))
    spread = np.sqrt(covariance[0, 1, 0, 1] + covariance[1, 1, 1, 1] - 2 * covariance[0, 1, 1, 1])
    test = delong_test(truth, ratings[0, 1], ratings[1, 1])
    assert test.difference.value / spread == pytest.approx(test.z)


def test_the_jackknife_is_that_of_the_definition() -> None:
    truth, ratings = readings()
    _, covariance = reader_study.jackknife(truth, ratings)
    n = len(truth)
    values = np.empty((2, n))
    for i in range(n):
        keep = np.arange(n) != i
        values[:, i] = [roc_auc_score(truth[keep], ratings[arm, 2, keep]) for arm in (0, 1)]
    by_hand = np.cov(values) * (n - 1) ** 2 / n
    assert covariance[0, 2, 1, 2] == pytest.approx(by_hand[0, 1])
    assert covariance[1, 2, 1, 2] == pytest.approx(by_hand[1, 1])


@pytest.mark.parametrize(
    ("figures", "shape"), [([[0.8, 0.9]], (1, 2, 1, 2)), ([[0.8], [0.9]], (2, 1, 2, 1))], ids=["one arm", "one reader"]
)
def test_too_few_arms_or_readers_is_told(figures: list[list[float]], shape: tuple[int, ...]) -> None:
    with pytest.raises(OverreadError, match="at least two arms and two readers"):
        reader_study.compare(figures, np.zeros(shape))


def test_a_missing_rating_is_told() -> None:
    truth, ratings = readings()
    ratings[1, 2, 5] = np.nan
    with pytest.raises(OverreadError, match="fully crossed"):
        reader_study.areas(truth, ratings)
