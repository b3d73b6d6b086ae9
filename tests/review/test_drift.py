"""The drift monitor against scipy, a hand-worked index, and shifts that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from core.review.archives.drift import MINIMUM_SCORES, Shift, drift, stability_index


def _patients(rng: np.random.Generator, patients: int, each: int, centre: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that vary between patients as much as within them."""
    own = rng.normal(centre, 1.0, patients)
    values = np.repeat(own, each) + rng.normal(0.0, 1.0, patients * each)
    return 1 / (1 + np.exp(-values)), np.repeat([f"P{i}" for i in range(patients)], each)


def test_the_statistic_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    new, reference = rng.beta(2, 5, 180).round(2), rng.beta(2, 4, 240).round(2)
    groups, old = np.arange(180), np.arange(240)
    told = drift(new, groups, reference, old)
    known = ks_2samp(new, reference)
    assert told.ks == pytest.approx(known.statistic, abs=1e-12)
    assert told.p == pytest.approx(known.pvalue, abs=0.03)  # every score its own patient: the ordinary test


def test_the_index_is_the_one_worked_by_hand() -> None:
    reference = np.arange(20.0)  # two bins at the median: 10 and 10
    new = np.array([0.0, 1.0, 2.0, 15.0])  # 3 and 1, each plus a half: 3.5 / 5 and 1.5 / 5
    by_hand = (0.7 - 0.5) * np.log(0.7 / 0.5) + (0.3 - 0.5) * np.log(0.3 / 0.5)
    assert stability_index(new, reference, bins=2) == pytest.approx(by_hand)


def test_a_shift_is_told_and_none_is_not() -> None:
    rng = np.random.default_rng(2)
    reference, old = _patients(rng, 40, 20)
    same = drift(*_patients(rng, 40, 20), reference, old)
    assert same.shift is Shift.NONE
    assert not same.warns
    moved = drift(*_patients(rng, 40, 20, 2.0), reference, old)
    assert moved.shift is Shift.MAJOR
    assert moved.warns
    assert "higher values" in moved.sentence
    assert "800 scores of 40 patients" in moved.sentence


def test_slices_of_one_patient_are_no_independent_evidence() -> None:
    rng = np.random.default_rng(3)
    warned_by_slices = warned = 0
    for _ in range(20):
        reference, old = _patients(rng, 12, 40)
        new, groups = _patients(rng, 12, 40)
        warned_by_slices += ks_2samp(new, reference).pvalue < 0.01
        warned += drift(new, groups, reference, old).p < 0.01
    assert warned_by_slices >= 10  # the ordinary test cries wolf on every other archive
    assert warned <= 2


def test_too_few_says_so_with_the_numbers() -> None:
    rng = np.random.default_rng(4)
    reference, old = _patients(rng, 20, 20)
    few = drift(*_patients(rng, 9, 11, 3.0), reference, old)
    assert few.n == 99 < MINIMUM_SCORES
    assert few.shift is Shift.TOO_FEW
    one_patient = drift(*_patients(rng, 1, 400, 3.0), reference, old)
    assert one_patient.shift is Shift.TOO_FEW
    assert "400 scores of 1 patients" in one_patient.sentence
    assert drift([], [], reference, old).shift is Shift.TOO_FEW
    assert not one_patient.warns
