"""Readers with a known reliance on the advice, and intervals that draw readers and cases."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import OverreadError
from core.statistics.multireader import reader_bootstrap
from core.statistics.multireader.automation_bias import automation_bias
from core.statistics.multireader.reader_power import Design, simulated
from core.statistics.multireader.reader_study import areas, compare


def test_a_case_by_hand() -> None:
    #        case    0  1  2  3  4  5
    truth = np.array([1, 1, 1, 0, 0, 0])
    advice = np.array([1, 0, 1, 0, 1, 1])
    alone = [[0, 1, 1, 1, 0, 0]]
    advised = [[1, 0, 1, 1, 1, 0]]
    found = automation_bias(truth, advice, alone, advised)
    one = found.readers[0]
    assert (one.gained, one.lost, one.followed) == (1, 2, 2)  # case 0; cases 1 and 4, both on the advice's side
    # Advice right and against the reader: cases 0 (came over) and 3 (did not). Wrong and against: 1, 4 (did), 5 (not).
    assert (one.taken_right.value, one.taken_right.n) == (0.5, 2)
    assert (one.taken_wrong.value, one.taken_wrong.n) == (pytest.approx(2 / 3), 3)
    assert one.change.value == pytest.approx(-1 / 6)
    assert one.p == 1.0  # exact McNemar of 1 against 2
    assert found.right is not None
    assert found.right.value == pytest.approx(1 / 3)  # cases 0, 2, 3: one gained
    assert found.wrong is not None
    assert found.wrong.value == pytest.approx(-2 / 3)  # cases 1, 4, 5: two lost


def advised_readers(reliance: list[float], cases: int = 600, seed: int = 3) -> tuple[np.ndarray, ...]:
    """Readers who are right in four of five cases alone, and come over to the advice with a known probability."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, cases)
    advice = np.where(rng.random(cases) < 0.75, truth, 1 - truth)
    alone = np.where(rng.random((len(reliance), cases)) < 0.8, truth, 1 - truth)
    over = rng.random(alone.shape) < np.array(reliance)[:, None]
    return truth, advice, alone, np.where(over, advice, alone)


def test_a_known_reliance_is_recovered_within_its_interval() -> None:
    reliance = [0.05, 0.3, 0.6, 0.9]
    found = automation_bias(*advised_readers(reliance))
    for known, one in zip(reliance, found.readers, strict=True):
        for taken in (one.taken_right, one.taken_wrong):
            assert taken.low <= known <= taken.high
    assert found.right is not None
    assert found.wrong is not None
    assert found.right.low > 0
    assert found.wrong.high < 0


def test_who_follows_a_bad_machine_is_marked_as_harmed() -> None:
    truth, _, alone, _ = advised_readers([0.0, 0.0])
    advice = 1 - truth
    advised = np.stack([alone[0], np.where(np.arange(len(truth)) % 3 == 0, advice, alone[1])])
    found = automation_bias(truth, advice, alone, advised)
    assert [one.harmed for one in found.readers] == [False, True]
    assert found.right is None


def test_few_cases_prove_no_harm() -> None:
    # Four lost and none gained: exact McNemar 2 * 0.5 ** 4 = 0.125, though no resample of the cases is above 0.
    truth = np.array([1] * 7 + [0] * 7)
    advised = np.where(np.arange(14) < 4, 0, truth)
    one = automation_bias(truth, advised, [truth], [advised]).readers[0]
    assert one.p == pytest.approx(0.125)
    assert one.change.high < 0
    assert not one.harmed
    worse = np.where(np.arange(14) < 6, 0, truth)
    assert automation_bias(truth, worse, [truth], [worse]).readers[0].harmed  # 2 * 0.5 ** 6 = 0.03


def test_the_bootstrap_of_readers_and_cases_is_near_the_analysis_of_variance() -> None:
    truth, ratings = simulated(Design(8, 60, 60, 0.75, 0.85), np.random.default_rng(11))
    found = reader_bootstrap.area_difference(truth, ratings, 1, 0)
    analysed = compare(*areas(truth, ratings)).differences[0].interval
    assert found.value == pytest.approx(-analysed.value)
    assert found.high - found.low == pytest.approx(analysed.high - analysed.low, rel=0.35)


def test_the_mean_over_readers_and_cases_has_the_spread_of_both() -> None:
    # By hand: readers differ and cases do not, so the standard error is that of the readers' means (percentile, 4 of
    # them drawn with replacement: 0.5 * sd of 0, 0, 1, 1).
    table = np.repeat([[0.0], [0.0], [1.0], [1.0]], 500, axis=1)
    found = reader_bootstrap.mean(table)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_shapes_that_do_not_fit_are_told() -> None:
    with pytest.raises(OverreadError, match="Give every reader every case"):
        automation_bias([0, 1], [0, 1], [[0, 1, 1]], [[0, 1, 1]])
    with pytest.raises(OverreadError, match="differ in length"):
        automation_bias([0, 1], [0], [[0, 1]], [[0, 1]])
