"""AUC, DeLong: against scikit-learn, the definition over pairs, and brute-force components."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from core.errors import OverreadError
from core.statistics import delong, delong_test, delong_variance, roc_auc

# Few distinct scores: nearly every draw has ties within and across the classes.
tied = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.2000001, 0.5, 1.0])), min_size=2, max_size=40)


def pairs_auc(truth: np.ndarray, score: np.ndarray) -> float:
    """The definition, over every pair."""
    gap = score[truth == 1][:, None] - score[truth == 0][None, :]
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


@given(tied)
@settings(max_examples=200, deadline=None)
def test_auc_is_the_share_of_pairs_in_order(cases: list[tuple[bool, float]]) -> None:
    truth = np.array([t for t, _ in cases], dtype=int)
    score = np.array([s for _, s in cases])
    if truth.min() == truth.max():
        assert np.isnan(roc_auc(truth, score))
        return
    assert roc_auc(truth, score) == pytest.approx(pairs_auc(truth, score), abs=1e-12)
    assert roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert roc_auc(truth, -score) == pytest.approx(1 - roc_auc(truth, score), abs=1e-12)


def test_auc_takes_float32_logits() -> None:
    rng = np.random.default_rng(0)
    truth, score = rng.integers(0, 2, 500), rng.normal(size=500).astype(np.float32)
    assert roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-9)


@pytest.mark.parametrize("labels", [np.array([0, 1, 1]), np.array([False, True, True])])
def test_decisions_are_refused_with_a_remedy(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="not the predicted label") as caught:
        roc_auc([0, 1, 1], labels)
    assert isinstance(caught.value, OverreadError)


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="truth 3, score 2"):
        roc_auc([0, 1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="only 0 and 1"):
        roc_auc([0, 1, 2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="NaN"):
        roc_auc([0, 1, 1], [0.1, np.nan, 0.3])
    with pytest.raises(ValueError, match="positive class only"):
        roc_auc([0, 1], [[0.1, 0.9], [0.2, 0.8]])


def brute_delong(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUCs and covariance from the definition in DeLong 1988: a kernel over all pairs."""
    positive, negative = scores[:, truth == 1], scores[:, truth == 0]
    gap = positive[:, :, None] - negative[:, None, :]
    kernel = (gap > 0) + 0.5 * (gap == 0)
    auc = kernel.mean(axis=(1, 2))
    s10, s01 = np.cov(kernel.mean(axis=2)), np.cov(kernel.mean(axis=1))
    return auc, np.atleast_2d(s10 / positive.shape[1] + s01 / negative.shape[1])


@pytest.mark.parametrize("seed", range(4))
def test_delong_matches_the_kernel_over_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.array([0] * 40 + [1] * 25)
    first = np.round(rng.normal(size=65) + truth, 1)  # rounded: ties
    second = np.round(first + rng.normal(size=65), 1)
    auc, covariance = brute_delong(truth, np.stack([first, second]))
    assert delong_variance(truth, first) == pytest.approx((auc[0], covariance[0, 0]), abs=1e-12)
    test = delong_test(truth, first, second)
    spread = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert test.z == pytest.approx((auc[0] - auc[1]) / spread, abs=1e-9)
    assert test.difference.high - test.difference.low == pytest.approx(2 * 1.959964 * spread, abs=1e-6)


def test_delong_agrees_with_the_spread_over_fresh_samples() -> None:
    """Mean variance over 400 samples is the variance of the AUC over them (within sampling error)."""
    rng = np.random.default_rng(5)
    truth = np.array([0] * 60 + [1] * 40)
    both = np.array([delong_variance(truth, rng.normal(size=100) + truth) for _ in range(400)])
    assert both[:, 1].mean() == pytest.approx(both[:, 0].var(ddof=1), rel=0.25)


def test_delong_edges() -> None:
    same = delong_test([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4])
    assert (same.z, same.p) == (0.0, 1.0)
    lone = delong([0, 0, 1], [0.1, 0.2, 0.3])
    assert np.isnan(lone.value)
    assert np.isnan(lone.low)
