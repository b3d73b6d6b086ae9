"""Against the published analysis of Franken's readings (OR-DBM MRMC 2.51 of the University of Iowa, 25 June 2020).

Its arm-by-reader variance is estimated below zero, and readers of one arm agree less than readers of two: where others
differ in what they do then, the published analysis sets the terms to zero.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.statistics.multireader import reader_study
from core.statistics.multireader.reader_study import To
from tests.statistics.jackknife import covariance

# Two treatments, four readers, 100 newborns (67 abnormal): figures, and the jackknife's covariances, as published.
FIGURES = np.array([[0.85345997, 0.86499322, 0.85730439, 0.81524197], [0.84961556, 0.84350972, 0.84011759, 0.81433740]])
ERROR, SAME_ARM = (0.00152278, 0.00152877), (0.00047230, 0.00049498)
SAME_READER, NEITHER = 0.00079168, 0.00051251


def test_components_as_published() -> None:
    found = reader_study.components(FIGURES, covariance(4, ERROR, SAME_ARM, SAME_READER, NEITHER))
    assert found.reader == pytest.approx(0.00003776, abs=2e-8)
    assert found.interaction == pytest.approx(-0.00071276, abs=2e-8)
    assert found.error == pytest.approx(0.00152578, abs=1e-8)
    assert found.same_arm == pytest.approx(0.00048364, abs=1e-8)


@pytest.mark.parametrize(
    ("to", "statistic", "p", "gap", "arms"),
    [
        (To.READERS_AND_CASES, 4.69, 0.1188, (-0.00509, 0.02680), ((0.79908282, 0.89641696), (0.79048429, 0.88330585))),
        (To.CASES, 0.32101, 0.5710, (-0.02670, 0.04840), ((0.79461647, 0.90088331), (0.78309680, 0.89069334))),
        (To.READERS, 4.69, 0.1188, (-0.00509, 0.02680), ((0.81243106, 0.88306871), (0.81216196, 0.86162818))),
    ],
)
def test_every_analysis_as_published(
    to: To, statistic: float, p: float, gap: tuple[float, float], arms: tuple[tuple[float, float], ...]
) -> None:
    found = reader_study.compare(FIGURES, covariance(4, ERROR, SAME_ARM, SAME_READER, NEITHER), to)
    assert found.test.statistic == pytest.approx(statistic, abs=0.005 if statistic > 1 else 5e-5)
    assert found.test.p == pytest.approx(p, abs=5e-5)
    one = found.differences[0]
    assert one.interval.value == pytest.approx(0.01085482, abs=1e-8)
    assert (one.interval.low, one.interval.high) == pytest.approx(gap, abs=1e-5)
    assert [(arm.low, arm.high) for arm in found.arms] == [pytest.approx(arm, abs=5e-6) for arm in arms]


def test_with_terms_at_zero_it_is_the_paired_t_test() -> None:
    found = reader_study.compare(FIGURES, covariance(4, ERROR, SAME_ARM, SAME_READER, NEITHER))
    assert found.test.df == (1, pytest.approx(3))
    assert found.test.p == pytest.approx(stats.ttest_rel(FIGURES[0], FIGURES[1]).pvalue)
