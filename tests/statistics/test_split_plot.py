"""Split-plot studies: areas as scikit-learn has them, independent blocks, and an analysis that is as often wrong as it
says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from core.errors import OverreadError
from core.statistics.multireader import reader_bootstrap, reader_study, split_plot
from core.statistics.multireader.reader_power import Design, power, simulated
from core.statistics.multireader.reader_study import To

BLOCKED = Design(readers=4, positives=20, negatives=24, first=0.75, second=0.85, blocks=2)


def test_each_area_is_on_the_readers_own_cases_and_blocks_share_nothing() -> None:
    truth, ratings = simulated(BLOCKED, np.random.default_rng(3))
    figures, covariance = split_plot.areas(truth, ratings)
    for arm in range(2):
        for reader in range(4):
            mine = ~np.isnan(ratings[arm, reader])
            assert mine.sum() == 22
            assert figures[arm, reader] == pytest.approx(roc_auc_score(truth[mine], ratings[arm, reader, mine]))
    first, second = split_plot.blocks(ratings)
    assert (first.readers.tolist(), second.readers.tolist()) == ([0, 2], [1, 3])
    assert not covariance[:, 0, :, 1].any()
    alone = reader_study.areas(truth[first.cases], ratings[:, [0, 2]][:, :, first.cases])[1]
    assert covariance[:, [0, 2]][:, :, :, [0, 2]] == pytest.approx(alone)


def test_one_block_is_the_crossed_study() -> None:
    truth, ratings = simulated(Design(3, 10, 12, 0.7, 0.8), np.random.default_rng(4))
    for mine, crossed in zip(split_plot.areas(truth, ratings), reader_study.areas(truth, ratings), strict=True):
        assert mine == pytest.approx(crossed)


def test_with_one_reader_a_block_the_test_is_the_paired_t_test_of_the_readers() -> None:
    # Cases nested within readers (MRMCaov's design 2): F is mean square of the arms over that of arm by reader.
    truth, ratings = simulated(Design(6, 30, 30, 0.7, 0.85, blocks=6), np.random.default_rng(5))
    figures, covariance = split_plot.areas(truth, ratings)
    test = reader_study.compare(figures, covariance).test
    paired = stats.ttest_rel(figures[0], figures[1])
    assert test.statistic == pytest.approx(paired.statistic**2)
    assert test.p == pytest.approx(paired.pvalue)


def test_fixed_readers_with_two_blocks_by_hand() -> None:
    # The difference of the arms' means has the variance of its blocks, each by DeLong, added up.
    truth, ratings = simulated(BLOCKED, np.random.default_rng(6))
    figures, covariance = split_plot.areas(truth, ratings)
    gap = reader_study.compare(figures, covariance, To.CASES).differences[0].interval
    variance = 0.0
    for block in split_plot.blocks(ratings):
        mine, shared = reader_study.areas(truth[block.cases], ratings[:, block.readers][:, :, block.cases])
        weights = np.array([[1.0], [-1.0]]) * np.full_like(mine, 1 / 4)
        variance += float(np.einsum("ij,ijkl,kl", weights, shared, weights))
    assert gap.high - gap.low == pytest.approx(2 * stats.norm.ppf(0.975) * np.sqrt(variance))


def test_equal_arms_differ_as_often_as_alpha_says_and_the_interval_holds() -> None:
    design = Design(6, 30, 30, 0.8, 0.8, blocks=2)
    found = power(design, studies=200, seed=3)
    assert found.low <= 0.05 <= found.high + 0.01
    rng, held = np.random.default_rng(7), 0
    wide = Design(6, 30, 30, 0.7, 0.8, blocks=3)
    for _ in range(150):
        gap = reader_study.compare(*split_plot.areas(*simulated(wide, rng))).differences[0].interval
        held += gap.low <= -0.1 <= gap.high
    assert 0.92 <= held / 150 <= 1.0


def test_for_as_many_readings_each_more_cases_in_blocks_find_more() -> None:
    # Chen, Gong and Gallas (2018): the split-plot gains for a fixed number of readings by each reader.
    crossed, split = Design(6, 25, 25, 0.75, 0.83), Design(6, 75, 75, 0.75, 0.83, blocks=3)
    assert power(split, studies=100, seed=5).value > power(crossed, studies=100, seed=5).value


def test_the_bootstrap_of_blocks_is_near_the_analysis_of_variance() -> None:
    truth, ratings = simulated(Design(8, 80, 80, 0.75, 0.85, blocks=2), np.random.default_rng(8))
    found = reader_bootstrap.area_difference(truth, ratings, 1, 0)
    analysed = reader_study.compare(*split_plot.areas(truth, ratings)).differences[0].interval
    assert found.value == pytest.approx(-analysed.value)
    assert found.high - found.low == pytest.approx(analysed.high - analysed.low, rel=0.35)


def test_other_gaps_are_no_split_plot() -> None:
    truth, ratings = simulated(BLOCKED, np.random.default_rng(9))
    half = ratings.copy()
    half[0, 0, ~np.isnan(half[0, 0])] = np.nan
    with pytest.raises(OverreadError, match="same cases in every arm"):
        split_plot.areas(truth, half)
    shared = ratings.copy()
    shared[:, 0] = 1.0
    with pytest.raises(OverreadError, match="but not all"):
        split_plot.areas(truth, shared)
    with pytest.raises(OverreadError, match="two cases of each class"):
        power(Design(4, 3, 9, 0.7, 0.8, blocks=2), studies=1)
