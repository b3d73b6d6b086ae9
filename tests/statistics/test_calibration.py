"""Calibration: against torchmetrics, scikit-learn, and temperatures known by construction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from core.statistics import apply_temperature, brier, ece, fit_temperature, nll


@pytest.mark.parametrize("bins", [5, 15])
def test_ece_matches_torchmetrics(bins: int) -> None:
    rng = np.random.default_rng(0)
    probability, truth = rng.random(400), rng.integers(0, 2, 400)
    theirs = binary_calibration_error(torch.tensor(probability), torch.tensor(truth), n_bins=bins, norm="l1")
    assert ece(probability, truth, bins) == pytest.approx(float(theirs), abs=1e-6)
    several = rng.dirichlet(np.ones(4), 400)
    classes = rng.integers(0, 4, 400)
    theirs = multiclass_calibration_error(torch.tensor(several), torch.tensor(classes), 4, n_bins=bins, norm="l1")
    assert ece(several, classes, bins) == pytest.approx(float(theirs), abs=1e-6)


def test_equal_mass_bins_by_hand() -> None:
    """Two bins of two: means 0.15 (no event) and 0.85 (both events): every gap is 0.15."""
    assert ece([0.9, 0.1, 0.8, 0.2], [1, 0, 1, 0], bins=2, equal_mass=True) == pytest.approx(0.15)


def test_certain_and_right_is_calibrated() -> None:
    assert ece([0.0, 1.0], [0, 1]) == 0
    assert np.isnan(ece([], []))


def test_brier_matches_sklearn() -> None:
    rng = np.random.default_rng(1)
    probability, truth = rng.random(100), rng.integers(0, 2, 100)
    assert brier(probability, truth) == pytest.approx(brier_score_loss(truth, probability))
    two = np.stack([1 - probability, probability], axis=1)
    assert brier(two, truth) == pytest.approx(2 * brier(probability, truth))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_is_found(temperature: float) -> None:
    rng = np.random.default_rng(2)
    honest = rng.normal(scale=2, size=20_000)
    truth = (rng.random(20_000) < 1 / (1 + np.exp(-honest))).astype(int)
    assert fit_temperature(honest * temperature, truth) == pytest.approx(temperature, rel=0.05)
    assert fit_temperature((honest * temperature)[:, None], truth) == pytest.approx(temperature, rel=0.05)
    logits = rng.normal(scale=2, size=(20_000, 3))
    classes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # Gumbel-max draws from the softmax
    assert fit_temperature(logits * temperature, classes) == pytest.approx(temperature, rel=0.05)


def test_fitted_temperature_is_a_minimum_of_the_log_loss() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    logits = 4 * rng.normal(size=300) + 3 * truth
    best = fit_temperature(logits, truth)
    losses = [log_loss(truth, apply_temperature(logits, t)) for t in (best * 0.98, best, best * 1.02)]
    assert losses[1] == min(losses)
    assert nll(logits, truth, best) == pytest.approx(losses[1], abs=1e-9)


def test_two_logits_equal_their_difference() -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(50, 2))
    one = apply_temperature(logits[:, 1] - logits[:, 0], 1.7)
    assert apply_temperature(logits, 1.7)[:, 1] == pytest.approx(one, abs=1e-12)


def test_extremes_stay_finite_and_separable_data_stops() -> None:
    assert apply_temperature([-1e4, 1e4], 0.05).tolist() == [0.0, 1.0]
    assert fit_temperature([-5.0, -4.0, 4.0, 5.0], [0, 0, 1, 1]) == pytest.approx(0.05, rel=0.01)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="above 0"):
        apply_temperature([1.0], 0.0)
    with pytest.raises(ValueError, match="One class only"):
        fit_temperature([1.0, 2.0], [1, 1])
    with pytest.raises(ValueError, match="NaN"):
        fit_temperature([1.0, np.nan], [1, 0])
