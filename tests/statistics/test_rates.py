"""Rates at a threshold and several classes: against scikit-learn, torchmetrics and hand-worked tables."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics
from torchmetrics.functional.classification import multiclass_auroc, multiclass_recall

from core.statistics import BinaryRates, binary_rates, multiclass


@pytest.mark.parametrize("seed", range(3))
def test_binary_rates_match_sklearn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, probability = rng.integers(0, 2, 200), np.round(rng.random(200), 1)
    rates = binary_rates(truth, probability, 0.4)
    answer = (probability >= 0.4).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(truth, answer).ravel()
    assert (rates.tp, rates.fp, rates.tn, rates.fn) == (tp, fp, tn, fn)
    assert rates.sensitivity == pytest.approx(metrics.recall_score(truth, answer))
    assert rates.specificity == pytest.approx(metrics.recall_score(truth, answer, pos_label=0))
    assert rates.ppv == pytest.approx(metrics.precision_score(truth, answer))
    assert rates.npv == pytest.approx(metrics.precision_score(truth, answer, pos_label=0))
    assert rates.accuracy == pytest.approx(metrics.accuracy_score(truth, answer))
    assert rates.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, answer))
    assert rates.f1 == pytest.approx(metrics.f1_score(truth, answer))


def test_worked_table() -> None:
    """90 of 100 diseased found, 850 of 900 healthy cleared: textbook arithmetic."""
    rates = BinaryRates(tp=90, fp=50, tn=850, fn=10)
    assert rates.diagnostic_odds_ratio == pytest.approx(90 * 850 / (50 * 10))
    assert rates.number_needed_to_screen == pytest.approx(1000 / 90)
    assert rates.reads_per_finding == pytest.approx(140 / 90)


def test_haldane_correction_only_with_an_empty_cell() -> None:
    rates = BinaryRates(tp=10, fp=0, tn=20, fn=5)
    assert rates.diagnostic_odds_ratio == pytest.approx(10.5 * 20.5 / (0.5 * 5.5))


def test_undefined_rates_are_nan_or_infinite() -> None:
    rates = binary_rates([0, 0], [0.1, 0.2], 0.5)
    assert np.isnan([rates.sensitivity, rates.ppv, rates.f1, rates.balanced_accuracy]).all()
    assert rates.specificity == 1
    assert rates.number_needed_to_screen == float("inf")


def test_threshold_is_compared_in_double_precision() -> None:
    """0.3 as float32 lies above 0.3: the same case must not flip with the array's type."""
    probability = np.array([0.3, 0.29999998], dtype=np.float32)
    assert binary_rates([1, 1], probability, 0.3).tp == int((probability.astype(float) >= 0.3).sum()) == 1


def test_logits_are_refused() -> None:
    with pytest.raises(ValueError, match="sigmoid or softmax"):
        binary_rates([0, 1], [-2.0, 3.0], 0.5)


def test_multiclass_matches_torchmetrics_and_sklearn() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 150)
    logits = rng.normal(size=(150, 3)) + 1.5 * np.eye(3)[truth]
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rates = multiclass(truth, probability)
    expected = multiclass_recall(torch.tensor(probability), torch.tensor(truth), num_classes=3, average="none").numpy()
    assert rates.recall == pytest.approx(expected, abs=1e-6)
    auc = multiclass_auroc(torch.tensor(probability), torch.tensor(truth), num_classes=3, average="none").numpy()
    assert rates.auc == pytest.approx(auc, abs=1e-6)
    answer = probability.argmax(axis=1)
    assert rates.macro_recall == pytest.approx(metrics.balanced_accuracy_score(truth, answer))
    assert (rates.confusion == metrics.confusion_matrix(truth, answer)).all()
    assert rates.accuracy == pytest.approx(metrics.accuracy_score(truth, answer))


def test_multiclass_without_one_class() -> None:
    rates = multiclass([0, 1], np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]]))
    assert rates.recall[:2].tolist() == [1.0, 0.0]
    assert np.isnan(rates.recall[2])
    assert rates.macro_recall == 0.5
    assert np.isnan(rates.auc[2])


def test_multiclass_refuses_what_it_cannot_mean() -> None:
    with pytest.raises(ValueError, match=r"\(N, K\)"):
        multiclass([0, 1], np.array([0.2, 0.8]))
    with pytest.raises(ValueError, match="0 to 1"):
        multiclass([0, 2], np.array([[0.5, 0.5], [0.2, 0.8]]))
