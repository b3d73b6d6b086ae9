"""The classification report against scikit-learn; its intervals against the plain bootstrap by group."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from core.statistics import bootstrap_by_group, classification_report


def cases(seed: int, classes: int, n: int = 90, groups: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    answer = np.where(rng.random(n) < 0.7, truth, rng.integers(0, classes, n))
    return truth, answer, rng.integers(0, groups, n)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_figures_are_scikit_learns(classes: int) -> None:
    truth, answer, groups = cases(classes, classes)
    ours = classification_report(truth, answer, classes, groups, n=20)
    theirs = metrics.classification_report(truth, answer, output_dict=True, zero_division=np.nan)
    named = [(ours.classes[k], theirs[str(k)]) for k in range(classes)]
    for mine, wanted in [*named, (ours.macro, theirs["macro avg"]), (ours.weighted, theirs["weighted avg"])]:
        assert mine.precision.value == pytest.approx(wanted["precision"])
        assert mine.recall.value == pytest.approx(wanted["recall"])
        assert mine.f1.value == pytest.approx(wanted["f1-score"])
        assert mine.support == wanted["support"]
    assert ours.accuracy.value == pytest.approx(theirs["accuracy"])


def test_a_class_never_called_has_no_precision() -> None:
    truth, answer = [0, 0, 1, 2, 2], [0, 0, 0, 2, 0]
    ours = classification_report(truth, answer, 3, n=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = metrics.precision_recall_fscore_support(truth, answer, labels=[0, 1, 2], zero_division=np.nan)
        macro = metrics.precision_score(truth, answer, average="macro", zero_division=np.nan)
    found = [(c.precision.value, c.recall.value, c.f1.value) for c in ours.classes]
    np.testing.assert_allclose(np.transpose(found), np.array(theirs[:3]))
    assert ours.macro.precision.value == pytest.approx(macro)


def test_intervals_draw_whole_groups() -> None:
    """The same draws as the plain bootstrap: scikit-learn's figure on every resample."""
    truth, answer, groups = cases(1, 3)
    ours = classification_report(truth, answer, 3, groups, n=60, seed=4)

    def f1(t: np.ndarray, a: np.ndarray) -> float:
        return float(metrics.f1_score(t, a, labels=[1], average=None)[0])

    def macro(t: np.ndarray, a: np.ndarray) -> float:
        return float(metrics.f1_score(t, a, average="macro"))

    for mine, statistic in ((ours.classes[1].f1, f1), (ours.macro.f1, macro)):
        plain = bootstrap_by_group(statistic, [truth, answer], groups, n=60, seed=4)
        assert (mine.value, mine.low, mine.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_a_class_without_an_error_has_a_bound() -> None:
    truth = np.repeat([0, 1], [12, 12])
    groups = np.repeat(np.arange(8), 3)
    ours = classification_report(truth, truth, 2, groups, n=30)
    wilson = stats.binomtest(4, 4).proportion_ci(method="wilson").low
    for figures in ours.classes:
        assert (figures.recall.low, figures.precision.low) == pytest.approx((wilson, wilson))
        assert figures.f1.low == pytest.approx(2 * wilson / (1 + wilson))
    assert ours.macro.recall.low == pytest.approx(wilson)
    assert ours.accuracy.low == pytest.approx(stats.binomtest(8, 8).proportion_ci(method="wilson").low)


def test_one_group_gives_no_interval() -> None:
    ours = classification_report([0, 1, 1], [0, 1, 1], 2, ["a", "a", "a"], n=10)
    assert ours.classes[1].f1.value == 1.0
    assert np.isnan([ours.classes[1].f1.low, ours.macro.f1.low, ours.accuracy.low]).all()
