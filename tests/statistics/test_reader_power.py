"""Simulated reader studies: what is put in comes out, and a test of nothing is wrong as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.errors import OverreadError
from core.statistics.multireader import reader_power
from core.statistics.multireader.reader_power import Design, Scatter
from core.statistics.multireader.reader_study import areas, components


def test_average_areas_are_those_asked_for() -> None:
    rng = np.random.default_rng(5)
    design = Design(readers=6, positives=40, negatives=40, first=0.75, second=0.85)
    means = np.mean([areas(*reader_power.simulated(design, rng))[0].mean(axis=1) for _ in range(300)], axis=0)
    assert means == pytest.approx([0.75, 0.85], abs=0.01)


def test_covariances_are_those_of_the_normal_model() -> None:
    # By hand: two readers' ratings of one case in one arm share the variances `case` and `case_arm`, out of 1.
    scatter = Scatter(case=0.4, case_arm=0.1, case_reader=0.3, reader=0.0, reader_arm=0.0)
    design = Design(readers=2, positives=3000, negatives=3000, first=0.8, second=0.8, scatter=scatter)
    truth, ratings = reader_power.simulated(design, np.random.default_rng(1))
    negatives = ratings[..., truth == 0].reshape(4, -1)  # arm 0 readers 0 and 1, arm 1 readers 0 and 1
    found = np.asarray(np.corrcoef(negatives))
    assert found[0, 1] == pytest.approx(0.5, abs=0.05)
    assert found[0, 2] == pytest.approx(0.7, abs=0.05)
    assert found[0, 3] == pytest.approx(0.4, abs=0.05)


def test_equal_arms_differ_as_often_as_alpha_says() -> None:
    found = reader_power.power(Design(5, 40, 40, 0.8, 0.8), studies=400, seed=2)
    assert found.low <= 0.05 <= found.high + 0.01  # the method is known to be a little conservative
    assert found.value < 0.09


def test_more_cases_find_more_and_a_large_difference_is_always_found() -> None:
    few, many = (reader_power.power(Design(4, n, n, 0.75, 0.83), studies=100, seed=4) for n in (15, 120))
    assert many.low > few.value
    assert reader_power.power(Design(6, 80, 80, 0.65, 0.95), studies=40, seed=4).value == 1.0


def test_power_is_near_the_noncentral_f_of_its_own_components() -> None:
    # Hillis, Obuchowski and Berbaum (2011): noncentrality r d^2 / (2 error term), with the components' means.
    design, rng = Design(5, 50, 50, 0.75, 0.83), np.random.default_rng(8)
    parts = [components(*areas(*reader_power.simulated(design, rng))) for _ in range(150)]
    mean = {name: float(np.mean([getattr(p, name) for p in parts])) for name in parts[0].__dataclass_fields__}
    both = mean["interaction"] + mean["error"] - mean["same_reader"] - mean["same_arm"] + mean["neither"]
    term = both + design.readers * max(mean["same_arm"] - mean["neither"], 0)
    df = term**2 / (both**2 / (design.readers - 1))
    expected = stats.ncf.sf(stats.f.ppf(0.95, 1, df), 1, df, design.readers * 0.08**2 / 2 / term)
    found = reader_power.power(design, studies=400, seed=9)
    assert found.low - 0.05 < expected < found.high + 0.05


def test_progress_is_told_and_ends_the_work() -> None:
    said: list[float] = []

    def tell(share: float) -> None:
        said.append(share)
        if share >= 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        reader_power.power(Design(2, 5, 5, 0.7, 0.8), studies=10, tell=tell)
    assert said == [0.1, 0.2, 0.3, 0.4, 0.5]


@pytest.mark.parametrize(
    "design",
    [
        Design(1, 5, 5, 0.7, 0.8),
        Design(2, 1, 5, 0.7, 0.8),
        Design(2, 5, 5, 0.4, 0.8),
        Design(2, 5, 5, 0.7, 1.0),
        Design(2, 5, 5, 0.7, 0.8, Scatter(case=0.9)),
    ],
)
def test_what_cannot_be_planned_is_told(design: Design) -> None:
    with pytest.raises(OverreadError):
        reader_power.power(design, studies=1)
