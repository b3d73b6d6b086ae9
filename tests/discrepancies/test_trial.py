"""Planted errors and the rankings that look for them: counted by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from core.discrepancies.profile import Profiles, fit_profiles
from core.discrepancies.ranking import signals_of
from core.discrepancies.trial import compare, expected_by_chance, found_at_top, label_quality, loss, plant
from core.errors import DiscrepancyError
from tests.discrepancies.suspicions import made


@pytest.mark.parametrize("one", [True, False])
def test_pooling_beats_image_by_image_on_errors_of_whole_patients(one: bool) -> None:
    ours, simple = [], []
    for seed in range(6):
        known, e = made(100 + seed, one=one), made(seed, one=one)
        main, _ = compare(e, plant(e.groups, 0.1, seed), fit_profiles(signals_of(known), known.recorded, known.groups))
        ours.append(main["ours"].share)
        simple.append(main["loss"].share)
        assert main["cleanlab"].share == pytest.approx(main["loss"].share)  # two classes: one order
    assert np.mean(ours) > 0.95
    assert np.mean(ours) > np.mean(simple) + 0.05


def test_single_slips_are_found_as_well_as_by_loss() -> None:
    ours, simple = [], []
    for seed in range(6):
        e = made(seed, patients=60, images=8)
        planted = np.zeros(480, dtype=bool)
        planted[np.random.default_rng(seed).choice(480, 48, replace=False)] = True
        main, _ = compare(e, planted, Profiles({}))
        ours.append(main["ours"].share)
        simple.append(main["loss"].share)
    assert np.mean(ours) >= np.mean(simple) - 0.02


def test_planting_takes_whole_patients_and_never_more_than_the_list_holds() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat([f"P{k}" for k in range(30)], rng.integers(1, 20, 30))
    draws = [plant(groups, 0.1, seed) for seed in range(40)]
    for planted in draws:
        for name in set(groups):
            assert len(set(planted[groups == name])) == 1
        assert 0.5 * np.ceil(0.1 * len(groups)) <= planted.sum() <= np.ceil(0.1 * len(groups))
    assert np.array_equal(draws[0], plant(groups, 0.1, 0))
    assert len({d.tobytes() for d in draws}) > 20
    with pytest.raises(DiscrepancyError, match="too few"):
        plant(["a", "b", "c"] * 10, 0.1, 0)
    with pytest.raises(DiscrepancyError, match="too many images"):
        plant(np.repeat(list("abcdef"), 50), 0.1, 0)


def test_counting_at_the_top() -> None:
    planted = np.zeros(25, dtype=bool)
    planted[[0, 1, 24]] = True
    found = found_at_top(np.arange(25), planted)  # the top is 3 of 25
    assert (found.share, found.precision, found.count) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 2)
    chance = expected_by_chance(planted)
    rng = np.random.default_rng(0)
    drawn = [found_at_top(rng.permutation(25), planted).share for _ in range(4000)]
    assert chance.share == pytest.approx(np.mean(drawn), abs=0.01)


def test_baselines_are_what_they_are_called() -> None:
    rng = np.random.default_rng(3)
    p, recorded = rng.random(40), rng.random(40) < 0.5
    assert loss(p, recorded).mean() == pytest.approx(log_loss(recorded, p))
    assert label_quality(p, recorded) == pytest.approx(np.where(recorded, p, 1 - p))
    planted = rng.random(40) < 0.3
    assert roc_auc_score(planted, loss(p, recorded)) == pytest.approx(
        roc_auc_score(planted, -label_quality(p, recorded))
    )
