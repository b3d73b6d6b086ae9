"""From pixel values to network values, by hand and against scipy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.errors import ContractError
from core.imaging.study import Modality, Series, Unit
from core.preprocessing.contract import InputContract, Scaling
from core.preprocessing.prepare import prepare
from core.preprocessing.scaling import scale

RNG = np.random.default_rng(5)


def contract(**fields: Any) -> InputContract:
    return InputContract(**{"height": 32, "width": 32, **fields})


def series(plane: np.ndarray, unit: Unit = Unit.GREY, **facts: Any) -> Series:
    return Series("k", "d", np.asarray(plane, np.float32)[None], unit=unit, **facts)


def test_zscore_is_scipys() -> None:
    plane = RNG.gamma(2.0, 30.0, (40, 50))
    ours = scale(series(plane), 0, contract())
    np.testing.assert_allclose(ours, stats.zscore(plane, axis=None, ddof=0), atol=1e-5)


def test_zscore_after_clipping_at_percentiles() -> None:
    plane = RNG.gamma(2.0, 30.0, (40, 50)).astype(np.float32)
    clipped = np.clip(plane, *np.percentile(plane, (1.0, 99.0)))
    ours = scale(series(plane), 0, contract(percentiles=(1.0, 99.0)))
    np.testing.assert_allclose(ours, stats.zscore(clipped.astype(np.float64), axis=None), atol=1e-4)


@pytest.mark.parametrize("kind", [k for k in Scaling if k is not Scaling.WINDOW])
@pytest.mark.parametrize("extra", [{}, {"standardise": True}, {"enhance": ("clahe",)}])
def test_a_blank_image_gives_no_nan(kind: Scaling, extra: dict[str, Any]) -> None:
    for level in (0.0, 255.0, -1000.0):
        x = prepare(series(np.full((20, 30), level)), contract(scaling=kind, percentiles=(1.0, 99.0), **extra))
        assert np.isfinite(x.numpy()).all()


def test_window_on_hounsfield_and_on_a_picture() -> None:
    c = contract(scaling="window", window=(-500.0, 1500.0))
    # centre -500, width 1500: from -1250 to 250 HU
    hounsfield = series(np.array([[-2000.0, -1250.0, -500.0, 250.0, 900.0]]), Unit.HU)
    np.testing.assert_allclose(scale(hounsfield, 0, c), [[0.0, 0.0, 0.5, 1.0, 1.0]], atol=1e-6)
    # a picture was windowed when it was exported: its stored range counts
    picture = series(np.array([[0.0, 51.0, 255.0]]), value_range=(0.0, 255.0))
    np.testing.assert_allclose(scale(picture, 0, c), [[0.0, 0.2, 1.0]], atol=1e-6)


def test_range_uses_the_stored_range_not_the_images_own() -> None:
    dim = series(np.array([[10.0, 51.0, 102.0]]), value_range=(0.0, 255.0))
    np.testing.assert_allclose(scale(dim, 0, contract(scaling="range")), [[10 / 255, 0.2, 0.4]], atol=1e-6)


def test_suv_divisor() -> None:
    c = contract(scaling="suv", suv_divisor=10.0, unit="SUVbw")
    uptake = series(np.array([[0.0, 2.5, 10.0, 25.0]]), Unit.SUV)
    np.testing.assert_allclose(scale(uptake, 0, c), [[0.0, 0.25, 1.0, 1.0]], atol=1e-6)


def test_percentiles_to_the_unit_range() -> None:
    plane = np.arange(101, dtype=np.float32).reshape(1, 101)  # the p-th percentile is p
    ours = scale(series(plane), 0, contract(scaling="percentile", percentiles=(10.0, 90.0)))
    np.testing.assert_allclose(ours[0, [0, 10, 50, 90, 100]], [0.0, 0.0, 0.5, 1.0, 1.0], atol=1e-6)


def test_low_is_bright_is_turned_round_for_pictures_only() -> None:
    c = contract(scaling="range")
    plane = np.array([[0.0, 51.0, 255.0]])
    inverted = series(plane, value_range=(0.0, 255.0), low_is_bright=True)
    np.testing.assert_allclose(scale(inverted, 0, c), [[1.0, 0.8, 0.0]], atol=1e-6)
    off = c.model_copy(update={"invert_low_is_bright": False})
    np.testing.assert_allclose(scale(inverted, 0, off), [[0.0, 0.2, 1.0]], atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "fields"), [(Unit.SUV, {"scaling": "suv"}), (Unit.HU, {"scaling": "window", "window": (0.0, 100.0)})]
)
def test_a_physical_unit_means_the_same_however_it_is_displayed(unit: Unit, fields: dict[str, Any]) -> None:
    plane = np.array([[-20.0, 0.0, 5.0, 40.0]])
    usual, inverted = (series(plane, unit, low_is_bright=flag) for flag in (False, True))
    np.testing.assert_array_equal(scale(usual, 0, contract(**fields)), scale(inverted, 0, contract(**fields)))


def test_a_projection_picture_on_white_is_turned_round() -> None:
    body = np.full((60, 30), 255.0)
    body[10:50, 8:22] = 200.0
    body[30:34, 14:18] = 0.0  # high uptake, drawn dark
    white = series(body, value_range=(0.0, 255.0), projection="mip-coronal")
    black = replace(white, pixels=(255 - white.pixels).astype(np.float32))
    c = contract(scaling="range", projection="mip-coronal")
    np.testing.assert_allclose(scale(white, 0, c), scale(black, 0, c), atol=1e-6)
    assert scale(white, 0, c)[32, 16] == 1.0
    # stored with low drawn bright it is the same picture the other way round: what is low at the border is air
    np.testing.assert_allclose(scale(replace(black, low_is_bright=True), 0, c), scale(white, 0, c), atol=1e-6)
    np.testing.assert_allclose(scale(replace(white, low_is_bright=True), 0, c), scale(white, 0, c), atol=1e-6)
    # a bright surround means nothing on an ordinary slice
    plain = replace(white, projection="slice")
    assert scale(plain, 0, contract(scaling="range"))[32, 16] == 0.0


def test_a_wrong_unit_is_refused_with_a_remedy() -> None:
    with pytest.raises(ContractError) as raised:
        prepare(series(np.zeros((20, 20)), Unit.BQML), contract(scaling="suv", unit="SUVbw"))
    assert "SUVbw" in raised.value.message
    assert "Bq/ml" in raised.value.message
    assert raised.value.remedy


def test_the_wrong_modality_is_told_before_its_unit() -> None:
    """No other file of an MR helps a PET model: another series does."""
    mr = series(np.zeros((8, 8)), Unit.ARBITRARY, modality=Modality.MR)
    with pytest.raises(ContractError, match="reads PT images, the series is MR") as refused:
        prepare(mr, contract(unit="SUVbw", modality="PT"))
    assert "another series" in refused.value.remedy


def test_a_wrong_projection_is_refused_with_a_remedy() -> None:
    with pytest.raises(ContractError) as raised:
        prepare(series(np.zeros((20, 20))), contract(projection="mip-coronal"))
    assert "projection" in raised.value.message
    assert raised.value.remedy


@pytest.mark.parametrize(
    "fields",
    [
        {"context": "neighbours", "channels": 1},
        {"context": "neighbours", "channels": 4},
        {"context": "repeat", "channels": 5},
        {"scaling": "window"},
        {"channels": 3, "mean": (0.5,), "std": (0.5,)},
        {"percentiles": (90.0, 10.0)},
        {"wat": 1},
    ],
)
def test_a_contract_that_contradicts_itself_cannot_exist(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        contract(**fields)
