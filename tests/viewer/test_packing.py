"""What travels to the browser: every value as it was, and facts that name nobody."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from core.imaging.study import Series
from core.preprocessing import windows
from dashboard.viewer import packing
from tests.viewer.cases import CASES, ct, oblique, photo, tilted


def unpacked(data: bytes, how: packing.Plan, shape: tuple[int, int]) -> np.ndarray:
    """As the client does it."""
    stored = np.frombuffer(gzip.decompress(data), dtype=how.kind).reshape(shape)
    return stored.astype(np.float64) * how.slope + how.offset


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.0, 255.0], "|u1"),
        ([-1024.0, 3071.0], "<i2"),
        ([0.0, 65535.0], "<i2"),
        ([-40000.0, 20000.0], "<i2"),
        ([0.0, 70000.0], "<f4"),
        ([0.25, 9.5], "<f4"),
    ],
)
def test_values_arrive_as_they_were(values: list[float], kind: str) -> None:
    pixels = np.array([[values, values[::-1]]], dtype=np.float32)
    how = packing.plan(pixels)
    assert how.kind == kind
    np.testing.assert_array_equal(unpacked(packing.plane_bytes(pixels[0], how), how, (2, 2)), pixels[0])
    assert (how.low, how.high) == (min(values), max(values))


@pytest.mark.parametrize("name", list(CASES))
def test_every_case_arrives_as_it_was(name: str) -> None:
    series = CASES[name]()
    how = packing.plan(series.pixels)
    index = series.slices // 2
    sent = unpacked(packing.plane_bytes(series.pixels[index], how), how, series.shape)
    np.testing.assert_array_equal(sent, series.pixels[index])


def test_pixels_without_a_value_are_named() -> None:
    pixels = np.ones((1, 2, 3), dtype=np.float32)
    pixels[0, 0, 1], pixels[0, 1, 2] = np.nan, np.inf
    padding = np.zeros(pixels.shape, dtype=bool)
    padding[0, 1, 0] = True
    odd = packing.padding_of(replace(photo(), pixels=pixels, padding=padding))
    assert odd is not None
    assert odd.astype(int).tolist() == [[[0, 1, 0], [1, 0, 1]]]
    bits = np.unpackbits(np.frombuffer(gzip.decompress(packing.mask_bytes(odd)), dtype=np.uint8))[:6]
    assert bits.tolist() == [0, 1, 0, 1, 0, 1]
    how = packing.plan(pixels)
    assert np.isfinite(unpacked(packing.plane_bytes(pixels[0], how), how, (2, 3))).all()
    assert packing.padding_of(photo()) is None


def told(series: Series) -> dict[str, object]:
    presets = windows.presets(series)
    return packing.manifest(series, packing.plan(series.pixels), name="x", presets=presets, start=0)


def test_planes_are_cut_only_of_volumes_that_stand_upright() -> None:
    assert told(ct())["volume"]
    assert told(oblique())["volume"]
    assert not told(tilted())["volume"]
    assert not told(photo())["volume"]
    assert not told(replace(ct(), uneven="2 slices are missing"))["volume"]
    assert not told(replace(ct(), projection="mip-coronal"))["volume"]


def test_facts_hold_no_tag_and_no_file_name() -> None:
    named = replace(
        oblique(),
        tags={"StudyDescription": "SECRET"},
        names=tuple(f"SECRET{n}.dcm" for n in range(9)),
        notes=("SECRET",),
    )
    assert "SECRET" not in json.dumps(told(named))


def test_the_positions_are_those_of_the_slices() -> None:
    series = tilted()
    placed = packing.geometry(series)
    assert placed is not None
    for index in (0, 4, 8):
        at = series.affine_at(index)
        assert at is not None
        np.testing.assert_allclose(placed["positions"][index], at[:3, 3], atol=1e-3)
    np.testing.assert_allclose(placed["column"], [0, np.cos(np.deg2rad(20)), -np.sin(np.deg2rad(20))], atol=1e-9)
    assert packing.geometry(photo()) is None


def test_heat_maps_are_eight_bits_of_zero_to_one() -> None:
    values = np.array([[0.0, 0.5, 1.0, np.nan, 2.0]], dtype=np.float32)
    assert np.frombuffer(gzip.decompress(packing.heat_bytes(values)), np.uint8).tolist() == [0, 128, 255, 0, 255]
