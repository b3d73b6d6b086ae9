"""Log odds against the own classes, by hand and against the softmax."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from core.statistics import StatisticsInputError
from core.statistics.outlier import not_own


def test_it_is_the_log_odds_of_the_softmax() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (50, 6))
    p = softmax(logits, axis=1)
    mine = p[:, [1, 4]].sum(1)
    np.testing.assert_allclose(not_own(logits, [1, 4]), np.log((1 - mine) / mine), rtol=1e-9)


def test_sure_answers_stay_finite() -> None:
    found = not_own([[1e4, -1e4], [-1e4, 1e4]], [0])
    np.testing.assert_allclose(found, [-2e4, 2e4])


@pytest.mark.parametrize("own", [[], [0, 1, 2]])
def test_there_must_be_own_classes_and_others(own: list[int]) -> None:
    with pytest.raises(StatisticsInputError, match="own"):
        not_own(np.zeros((2, 3)), own)


def test_log_odds_are_those_of_scipy() -> None:
    logits = np.random.default_rng(3).normal(0, 30, (500, 9))
    wanted = logsumexp(np.delete(logits, [2, 5], 1), axis=1) - logsumexp(logits[:, [2, 5]], axis=1)
    np.testing.assert_allclose(not_own(logits, [2, 5]), wanted, rtol=0, atol=1e-12)
