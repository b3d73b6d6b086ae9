"""No error in a few patients: bounds against scipy's exact and Wilson intervals, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.statistics import bootstrap_by_group, past_perfection, ranking_past_perfection, roc_auc
from core.statistics.operating import operating_point
from core.statistics.perfect import f1_past_perfection, independent_pairs


def test_a_perfect_proportion_counts_its_groups() -> None:
    """Twelve cases of three patients, none wrong: Wilson's interval of 3 of 3, as scipy has it."""
    hits, patients = np.ones(12), np.repeat(["a", "b", "c"], 4)
    plain = bootstrap_by_group(np.mean, [hits], patients)
    assert (plain.low, plain.high) == (1.0, 1.0)
    told = past_perfection(plain, patients)
    by_scipy = stats.binomtest(3, 3).proportion_ci(method="wilson")
    assert (told.low, told.high) == pytest.approx((by_scipy.low, by_scipy.high))
    assert (told.value, told.n, told.groups) == (1.0, 12, 3)
    none = past_perfection(bootstrap_by_group(np.mean, [1 - hits], patients), patients)
    by_scipy = stats.binomtest(0, 3).proportion_ci(method="wilson")
    assert (none.low, none.high) == pytest.approx((by_scipy.low, by_scipy.high))
    hits[0] = 0
    some = bootstrap_by_group(np.mean, [hits], patients)
    assert past_perfection(some, patients) == some


def test_a_perfect_ranking_counts_independent_pairs() -> None:
    """Six ill and four well patients make four pairs: scipy's exact interval of 4 of 4."""
    truth = np.repeat([1] * 6 + [0] * 4, 3)
    patients = np.repeat(np.arange(10), 3)
    score = truth + np.random.default_rng(0).uniform(0, 0.4, len(truth))
    plain = bootstrap_by_group(roc_auc, [truth, score], patients)
    assert (plain.low, plain.high) == (1.0, 1.0)
    told = ranking_past_perfection(plain, truth, patients)
    exact = stats.binomtest(4, 4).proportion_ci(method="exact")
    assert (told.low, told.high) == pytest.approx((exact.low, 1.0))
    assert told.method == "no error in n = 4 pairs of groups (Clopper-Pearson)"
    never = ranking_past_perfection(bootstrap_by_group(roc_auc, [truth, -score], patients), truth, patients)
    exact = stats.binomtest(0, 4).proportion_ci(method="exact")
    assert (never.low, never.high) == pytest.approx((0.0, exact.high))
    score[0] = -1
    some = bootstrap_by_group(roc_auc, [truth, score], patients)
    assert ranking_past_perfection(some, truth, patients) == some


@pytest.mark.parametrize(
    ("ill", "well", "both", "pairs"),
    [(5, 3, 0, 3), (0, 0, 5, 2), (0, 0, 1, 0), (4, 0, 2, 2), (1, 4, 2, 3), (2, 2, 3, 3)],
)
def test_pairs_are_as_many_as_a_matching_finds(ill: int, well: int, both: int, pairs: int) -> None:
    """By hand: nobody is in two pairs, and every pair has one of each kind."""
    truth = [1] * ill + [0] * well + [1, 0] * both
    groups = list(range(ill + well)) + [1000 + k // 2 for k in range(2 * both)]
    assert independent_pairs(truth, groups) == pairs


def test_the_bound_of_a_perfect_ranking_covers() -> None:
    """True AUC 0.95, eight ill and eight well: where all rank rightly, the interval holds 0.95 in every such set, and
    over all sets the truth lies below the bound in no more than one of forty.
    """
    rng = np.random.default_rng(3)
    shift = float(np.sqrt(2) * stats.norm.ppf(0.95))
    truth, patients = np.repeat([1.0, 0.0], 8).astype(int), np.arange(16)
    missed, perfect = 0, 0
    for _ in range(2000):
        score = rng.normal(size=16) + shift * truth
        if score[:8].min() > score[8:].max():
            perfect += 1
            told = ranking_past_perfection(bootstrap_by_group(roc_auc, [truth, score], patients, n=1), truth, patients)
            missed += told.low > 0.95
    assert perfect > 50
    assert missed / 2000 <= 0.025


def test_a_perfect_f1_is_bounded_by_the_cases_it_is_over() -> None:
    ours = f1_past_perfection(bootstrap_by_group(np.mean, [np.ones(7)], np.arange(7)), np.arange(7))
    share = stats.binomtest(7, 7).proportion_ci(method="wilson").low
    assert (ours.low, ours.high) == pytest.approx((2 * share / (1 + share), 1.0))


def test_what_follows_from_a_perfect_rate_is_no_surer() -> None:
    """Four of four well cleared, three of four ill found, at a prevalence of one in ten; the lower end by hand."""
    truth, score = np.repeat([1, 0], 4), np.array([0.9, 0.9, 0.9, 0.1, 0.2, 0.2, 0.2, 0.2])
    point = operating_point(truth, score, 0.5, np.arange(8), 0.1)
    clear = stats.binomtest(4, 4).proportion_ci(method="wilson").low
    assert (point.specificity.low, point.specificity.high) == pytest.approx((clear, 1.0))
    assert point.ppv.value == 1.0
    assert point.ppv.low == pytest.approx(0.1 * 0.75 / (0.1 * 0.75 + 0.9 * (1 - clear)))
    found, missed, alarms, cleared = point.per_1000
    assert (alarms.low, alarms.high) == pytest.approx((0.0, 900 * (1 - clear)))
    assert (cleared.low, cleared.high) == pytest.approx((900 * clear, 900.0))
    assert point.reads_per_finding.high == pytest.approx(1 / point.ppv.low)
    assert 0 < missed.value < 100 > found.value
    perfect = operating_point(truth, truth * 0.8 + 0.1, 0.5, np.arange(8))
    for name in ("sensitivity", "specificity", "balanced_accuracy", "accuracy", "f1", "ppv", "npv"):
        figure = getattr(perfect, name)
        assert figure.value == figure.high == 1.0
        assert 0.3 < figure.low < 0.85, name
