"""Intervals: fast way against plain concatenation, coverage by simulation, scipy's Wilson."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.statistics import bootstrap_by_group, paired_bootstrap, roc_auc, wilson


def clustered(rng: np.random.Generator, groups: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Values with mean 0, patient spread 1 and slice spread 0.5."""
    group = np.repeat(np.arange(groups), size)
    return rng.normal(size=groups)[group] + 0.5 * rng.normal(size=len(group)), group


def test_the_fast_auc_is_the_slow_one() -> None:
    rng = np.random.default_rng(0)
    truth, group = rng.integers(0, 2, 300), rng.integers(0, 30, 300)
    score = np.round(rng.normal(size=300) + truth, 1)
    fast = bootstrap_by_group(roc_auc, (truth, score), group, n=200, seed=3)
    slow = bootstrap_by_group(lambda t, s: roc_auc(t, s), (truth, score), group, n=200, seed=3)
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), abs=1e-12)
    assert (fast.n, fast.groups) == (300, 30)
    assert fast.low < fast.value < fast.high


def test_groups_are_drawn_whole() -> None:
    """Every resample holds each group's slices all or not at all, in equal numbers."""
    group = np.array(["a", "b", "b", "c", "c", "c"])
    seen: list[np.ndarray] = []

    def look(names: np.ndarray) -> float:
        seen.append(names)
        return 0.0

    bootstrap_by_group(look, (group,), group, n=50)
    for drawn in seen:
        counts = {name: int((drawn == name).sum()) for name in "abc"}
        assert counts["b"] % 2 == 0
        assert counts["c"] % 3 == 0
        assert counts["a"] + counts["b"] // 2 + counts["c"] // 3 == 3


def test_coverage_by_group_and_its_lack_by_slice() -> None:
    """95 % intervals of a mean over 40 patients of 10 slices: right by patient, far too narrow by slice."""
    rng = np.random.default_rng(1)
    hits = {"patient": 0, "slice": 0}
    trials = 150
    for trial in range(trials):
        values, group = clustered(rng, 40, 10)
        for unit, groups in (("patient", group), ("slice", None)):
            interval = bootstrap_by_group(lambda v: float(v.mean()), (values,), groups, n=200, seed=trial)
            hits[unit] += interval.low <= 0 <= interval.high
    # Three standard errors of a 93 % coverage (percentile bootstrap, 40 groups) over 150 trials reach down to 87 %.
    assert 0.87 <= hits["patient"] / trials <= 0.99
    assert hits["slice"] / trials < 0.7


def test_single_cases_match_scipy_bootstrap() -> None:
    values = np.random.default_rng(2).exponential(size=80)
    ours = bootstrap_by_group(lambda v: float(np.median(v)), (values,), n=4000, seed=0)
    theirs = stats.bootstrap((values,), np.median, n_resamples=4000, method="percentile", rng=1).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * width)


def test_seed_repeats_and_another_differs() -> None:
    values, group = clustered(np.random.default_rng(3), 20, 5)
    make = [bootstrap_by_group(np.mean, (values,), group, n=100, seed=s) for s in (7, 7, 8)]
    assert make[0] == make[1]
    assert make[0].low != make[2].low


def test_degenerate_inputs() -> None:
    one = bootstrap_by_group(np.mean, (np.arange(4.0),), ["p"] * 4, n=50)
    assert one.value == 1.5
    assert np.isnan(one.low)
    missing = bootstrap_by_group(roc_auc, ([1, 1, 1], [0.1, 0.2, 0.3]), n=50)
    assert np.isnan([missing.value, missing.low, missing.high]).all()
    with pytest.raises(ValueError, match="No cases"):
        bootstrap_by_group(np.mean, (np.array([]),))
    with pytest.raises(ValueError, match="2 groups for 3 cases"):
        bootstrap_by_group(np.mean, (np.arange(3.0),), [0, 1])


def test_paired_is_narrower_than_unpaired_and_finds_the_difference() -> None:
    rng = np.random.default_rng(4)
    truth, group = np.repeat(rng.integers(0, 2, 60), 5), np.repeat(np.arange(60), 5)
    shared = rng.normal(size=300) + 0.8 * truth
    good, bad = shared + 0.8 * truth, shared + 0.1 * rng.normal(size=300)
    found = paired_bootstrap(roc_auc, (truth, good), (truth, bad), group, n=500)
    assert found.difference.value == pytest.approx(roc_auc(truth, good) - roc_auc(truth, bad))
    assert found.difference.low > 0
    assert found.p <= 2 / 501 + 1e-12
    alone = bootstrap_by_group(roc_auc, (truth, bad), group, n=500)
    assert found.difference.high - found.difference.low < alone.high - alone.low
    same = paired_bootstrap(roc_auc, (truth, bad), (truth, bad), group, n=100)
    assert (same.difference.low, same.difference.high, same.p) == (0, 0, 1)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (8, 10), (10, 10), (47, 5289), (1, 1)])
def test_wilson_matches_scipy(k: int, n: int) -> None:
    ours, theirs = wilson(k, n), stats.binomtest(k, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_wilson_edges() -> None:
    assert np.isnan(wilson(0, 0).value)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)
