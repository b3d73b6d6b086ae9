"""Stored values lie in some of the bits of a word: the others are no part of the picture, in grey and in colour."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import RLELossless

from core.imaging import Unit, read
from tests.imaging.builders import CT, dataset, named, noise, stack

UNSIGNED = noise(1, 6, 7, dtype=np.uint16, seed=8) % 4096
SIGNED = (UNSIGNED.astype(np.int32) - 2048).astype(np.int16)
GARBAGE = (noise(1, 6, 7, dtype=np.uint16, seed=9) << 12).astype(np.uint16)


@pytest.mark.parametrize("packed", [False, True])
def test_what_lies_beside_the_stored_bits_is_left_out(packed: bool) -> None:
    (header,) = stack(UNSIGNED | GARBAGE, BitsStored=12, HighBit=11)
    if packed:
        header.compress(RLELossless)
    series = read(named([header])).series[0]
    np.testing.assert_array_equal(series.pixels, UNSIGNED.astype(np.float32))
    assert any("BitsStored" in note for note in series.notes)


def test_a_missing_sign_is_extended() -> None:
    bare = (SIGNED.view(np.uint16) & 0x0FFF).view(np.int16)
    for words in (bare, SIGNED):
        (header,) = stack(words, sop_class=CT, modality="CT", BitsStored=12, HighBit=11)
        header.RescaleSlope, header.RescaleIntercept = 1, 0
        series = read(named([header])).series[0]
        assert series.unit is Unit.HU
        np.testing.assert_array_equal(series.pixels, SIGNED.astype(np.float32))


def test_values_at_the_upper_end_of_the_word() -> None:
    (header,) = stack((UNSIGNED << 4).astype(np.uint16), BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(read(named([header])).series[0].pixels, UNSIGNED.astype(np.float32))


def test_used_in_full_nothing_is_said() -> None:
    assert read(named(stack(UNSIGNED, BitsStored=12, HighBit=11))).series[0].notes == ()
    wide = noise(1, 6, 7, dtype=np.uint32, seed=3)
    np.testing.assert_array_equal(read(named(stack(wide))).series[0].pixels, wide.astype(np.float32))


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (10, np.uint16), (12, np.uint16), (16, np.uint16)])
def test_colour_has_its_own_range(bits: int, dtype: type) -> None:
    top = 2**bits - 1
    rgb = (np.array([[[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]) * top).astype(dtype)
    header = dataset(rgb[..., 0], modality="OT", SamplesPerPixel=3, PhotometricInterpretation="RGB")
    header.PlanarConfiguration, header.BitsStored, header.HighBit = 0, bits, bits - 1
    header.PixelData = rgb.tobytes()
    series = read(named([header])).series[0]
    np.testing.assert_allclose(series.pixels[0, 0], [255, 0.299 * 255, 0], atol=1e-2)
    assert series.value_range == (0.0, 255.0)
