"""Padding is no image: whatever its value, pixels, windows and a model's input are those of the image without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.imaging import Series, Unit, coronal_mip, read
from core.preprocessing.contract import InputContract
from core.preprocessing.prepare import prepare
from core.preprocessing.windows import automatic, presets, to_display
from tests.imaging.builders import CT, PET, named, nifti, pet_tags, stack

Y, X = np.mgrid[:32, :32]
OUTSIDE = (Y - 16) ** 2 + (X - 16) ** 2 > 15**2
TISSUE = (200 + (Y * 7 + X * 3) % 60 + 400 * ((Y - 16) ** 2 + (X - 16) ** 2 < 64)).astype(np.int32)


def slices(value: int, dtype: Any, tissue: np.ndarray = TISSUE) -> np.ndarray:
    plane = tissue.astype(dtype)
    plane[OUTSIDE] = np.array(value).astype(dtype)
    return np.stack([plane, plane])


def ct(value: int, dtype: Any = np.uint16, **tags: Any) -> Series:
    tags = {"RescaleSlope": 1, "RescaleIntercept": -1024, "PixelPaddingValue": value, **tags}
    return read(named(stack(slices(value, dtype), sop_class=CT, modality="CT", **tags))).series[0]


@pytest.mark.parametrize(
    ("value", "dtype"), [(63536, np.uint16), (0, np.uint16), (-2000, np.int16), (-32768, np.int16)]
)
def test_ct_padding_is_air(value: int, dtype: Any) -> None:
    series = ct(value, dtype)
    np.testing.assert_array_equal(series.pixels[0][OUTSIDE], -1000)
    np.testing.assert_array_equal(series.pixels[0][~OUTSIDE], TISSUE[~OUTSIDE] - 1024)
    assert series.padding is not None
    np.testing.assert_array_equal(series.padding[1], OUTSIDE)


def test_the_sign_of_the_padding_value_is_that_of_the_pixels() -> None:
    headers = stack(slices(-2000, np.int16), sop_class=CT, modality="CT", RescaleSlope=1, RescaleIntercept=0)
    for header in headers:
        header.add_new("PixelPaddingValue", "US", 63536)
    series = read(named(headers)).series[0]
    assert series.padding is not None
    np.testing.assert_array_equal(series.padding[0], OUTSIDE)


@pytest.mark.parametrize(("value", "limit"), [(0, 40), (40, 0)])
def test_a_range_of_padding_values(value: int, limit: int) -> None:
    planes = slices(17, np.uint16)
    planes[:, 0, 0] = 40
    headers = stack(planes, PixelPaddingValue=value, PixelPaddingRangeLimit=limit)
    series = read(named(headers)).series[0]
    assert series.padding is not None
    np.testing.assert_array_equal(series.padding[0], OUTSIDE)


def test_padding_beside_the_stored_bits_is_still_padding() -> None:
    headers = stack(slices(63536, np.uint16), BitsStored=12, HighBit=11, PixelPaddingValue=63536)
    series = read(named(headers)).series[0]
    assert series.padding is not None
    np.testing.assert_array_equal(series.padding[0], OUTSIDE)
    assert not any("BitsStored" in note for note in series.notes)


def test_padding_without_its_sign_bits_is_still_padding() -> None:
    planes = slices(-2000, np.int16)
    headers = stack((planes & 0x0FFF).astype(np.uint16), BitsStored=12, HighBit=11)
    for header in headers:
        header.PixelRepresentation, header.PixelPaddingValue = 1, -2000
    series = read(named(headers)).series[0]
    assert series.padding is not None
    np.testing.assert_array_equal(series.padding[0], OUTSIDE)


CONTRACTS = {
    "z-score": {"scaling": "z-score"},
    "clipped z-score": {"scaling": "z-score", "percentiles": (0.0, 99.5)},
    "percentile": {"scaling": "percentile", "percentiles": (1.0, 99.0)},
    "range": {"scaling": "range"},
    "body": {"scaling": "z-score", "crop": "body"},
    "enhanced": {"scaling": "percentile", "enhance": ("clahe",)},
}


@pytest.mark.parametrize("fields", CONTRACTS.values(), ids=CONTRACTS.keys())
def test_a_model_does_not_see_the_padding(fields: dict[str, Any]) -> None:
    contract = InputContract(height=32, width=32, **fields)
    # the same scan by a maker that writes 0 outside instead
    plain = read(named(stack(slices(0, np.int16)))).series[0]
    for value in (-32768, -2000, 30000):
        padded = read(named(stack(slices(value, np.int16), PixelPaddingValue=value))).series[0]
        np.testing.assert_array_equal(prepare(padded, contract).numpy(), prepare(plain, contract).numpy())


def test_windows_do_not_see_the_padding() -> None:
    padded = read(named(stack(slices(-32768, np.int16), PixelPaddingValue=-32768))).series[0]
    window = automatic(padded)
    low, high = np.percentile(np.stack([TISSUE[~OUTSIDE]] * 2), (1.0, 99.5))
    assert (window.centre - window.width / 2, window.centre + window.width / 2) == pytest.approx((low, high))
    shown = to_display(padded.pixels[0], presets(padded)[0])
    assert (shown[0, 0], shown[16, 16] > 200) == (0, True)


def test_background_is_dark_whichever_way_the_file_is_drawn() -> None:
    series = read(
        named(stack(slices(5, np.int16), PixelPaddingValue=5, PhotometricInterpretation="MONOCHROME1"))
    ).series
    assert to_display(series[0].pixels[0], automatic(series[0]), invert=True)[0, 0] == 0


def test_uptake_of_padding_is_none_and_projects_as_none() -> None:
    planes = np.repeat(slices(32767, np.int16, TISSUE)[:1], 20, 0)
    headers = stack(planes, sop_class=PET, modality="PT", PixelPaddingValue=32767, **pet_tags())
    mip, volume, turned = read(named(headers)).series
    assert volume.unit is mip.unit is Unit.SUV
    np.testing.assert_array_equal(volume.pixels[0][OUTSIDE], 0)
    assert mip.padding is not None
    np.testing.assert_array_equal(mip.padding[0][0], OUTSIDE.all(0))
    assert turned.padding is not None
    np.testing.assert_array_equal(turned.padding[0][0], OUTSIDE.all(0))
    assert coronal_mip(volume).pixels.max() == volume.pixels.max()


def test_voxels_without_a_number_are_background() -> None:
    values = np.where(OUTSIDE, np.nan, TISSUE - 1024.0)[..., None].repeat(3, -1).astype(np.float32)
    series = read([("ct_chest.nii", nifti(values))]).series[0]
    assert series.unit is Unit.HU
    assert series.padding is not None
    assert series.padding.sum() == 3 * OUTSIDE.sum()
    np.testing.assert_array_equal(series.pixels[series.padding], -1000)


@pytest.mark.parametrize(("kind", "tag"), [("<f4", "Float"), ("<f8", "DoubleFloat")])
def test_padding_of_floating_point_pixels(kind: str, tag: str) -> None:
    planes = slices(0, np.float64)
    planes[:, OUTSIDE] = -9999.5
    header = stack(slices(0, np.uint16)[:1])[0]
    del header.PixelData, header.BitsStored, header.HighBit, header.PixelRepresentation
    header.BitsAllocated = 8 * np.dtype(kind).itemsize
    setattr(header, f"{tag}PixelData", planes[0].astype(kind).tobytes())
    setattr(header, f"{tag}PixelPaddingValue", -9999.5)
    series = read(named([header])).series[0]
    assert series.padding is not None
    np.testing.assert_array_equal(series.padding[0], OUTSIDE)
    assert series.pixels.min() == 0
    np.testing.assert_allclose(series.pixels[0][~OUTSIDE], TISSUE[~OUTSIDE])


def test_a_mask_where_nothing_is_padded_is_none() -> None:
    assert read(named(stack(slices(0, np.int16), PixelPaddingValue=-2000))).series[0].padding is None
