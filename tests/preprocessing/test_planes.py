"""Prepared slices are kept for who asks next, and are what anybody would prepare anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.engine.engine import Engine
from core.imaging.study import Series
from core.preprocessing import prepare as preparing
from core.preprocessing.contract import Context, InputContract, Scaling
from core.preprocessing.planes import Fitted, Planes
from core.preprocessing.prepare import fit_of, prepare
from tests.engine.installed import install, scan, study

CONTRACTS = [
    InputContract(height=64, width=64, percentiles=(0.0, 99.5)),
    InputContract(height=64, width=96, crop="body", standardise=True, scaling=Scaling.PERCENTILE),
    InputContract(height=48, width=64, channels=3, context=Context.NEIGHBOURS),
]


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, InputContract]]:
    """Slices as they are scaled from now on."""
    found: list[tuple[int, InputContract]] = []
    scaled = preparing.values_of

    def noted(series: Series, index: int, contract: InputContract) -> np.ndarray:
        found.append((index, contract))
        return scaled(series, index, contract)

    monkeypatch.setattr(preparing, "values_of", noted)
    return found


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("failed", [None, 1])
def test_a_kept_slice_is_the_one_prepared_anew(contract: InputContract, failed: int | None) -> None:
    series, planes = scan(4), Planes()
    if failed is not None:
        series.pixels[failed, 3, 3] = np.nan
    for indices in ([2], [0, 1, 2, 3], [1], [3, 0]):
        anew = prepare(series, contract, indices)
        torch.testing.assert_close(
            prepare(series, contract, indices, planes=planes), anew, atol=0, rtol=0, equal_nan=True
        )
    assert [fit_of(series, at, contract, planes) for at in range(4)] == [
        fit_of(series, at, contract) for at in range(4)
    ]


def test_models_and_heat_maps_prepare_each_slice_once(
    tmp_path: Path, prepared: list[tuple[int, InputContract]]
) -> None:
    contract: dict[str, Any] = {"channels": 3, "context": "neighbours"}
    for name in ("resnet50", "resunet"):
        install(tmp_path, "brain-mr", name, "resnet18", contract=contract)
    engine, case = Engine(tmp_path), study(scan(5))
    engine.course(case, "brain-mr", first=3).run()
    for name in ("resnet50", "resunet"):
        maps = [engine.heat_map(case, "brain-mr", 0, name, at) for at in range(5)]
        assert [one.error for one in maps] == [""] * 5
    assert sorted(index for index, _ in prepared) == [0, 1, 2, 3, 4]


def test_another_series_is_prepared_for_itself(prepared: list[tuple[int, InputContract]]) -> None:
    planes = Planes()
    one, other = scan(1, seed=1), scan(1, seed=2)
    for series in (one, other, one):
        torch.testing.assert_close(
            prepare(series, CONTRACTS[0], planes=planes), prepare(series, CONTRACTS[0]), atol=0, rtol=0
        )
    assert len(prepared) == 5


def test_a_series_that_is_gone_is_not_taken_for_the_one_in_its_place() -> None:
    planes, seen = Planes(), []
    for seed in range(20):  # each takes the memory, and so the number, of the one before
        series = scan(1, seed=seed)
        seen.append(id(series))
        torch.testing.assert_close(
            prepare(series, CONTRACTS[0], planes=planes), prepare(series, CONTRACTS[0]), atol=0, rtol=0
        )
        del series
    assert len(set(seen)) < 20


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    series, contract = scan(1), CONTRACTS[0]
    fit = fit_of(series, 0, contract)

    def one(side: int = 10) -> Fitted:
        return Fitted(np.zeros((side, side), np.float32), True, fit)

    planes = Planes(most=3 * 400)
    for index in range(3):
        planes.keep(series, index, contract, one())
    planes.keep(series, 2, contract, one())  # again: counted once
    assert planes.of(series, 0, contract) is not None
    planes.keep(series, 3, contract, one())
    assert [planes.of(series, at, contract) is not None for at in range(4)] == [True, False, True, True]
    planes.keep(series, 4, contract, one(side=100))  # larger than all
    assert [planes.of(series, at, contract) is not None for at in range(5)] == [False, False, False, False, True]


def test_what_is_kept_cannot_be_altered() -> None:
    series, planes = scan(1), Planes()
    prepare(series, CONTRACTS[0], planes=planes).fill_(0.0)
    kept = planes.of(series, 0, CONTRACTS[0])
    assert kept is not None
    assert kept.values.any()
    with pytest.raises(ValueError, match="read-only"):
        kept.values[0, 0] = 1.0
