"""A size that cannot be true is told and measures nothing."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.measure import area_mm2, volume_ml
from core.imaging import Series, read
from tests.imaging.builders import dataset, named, noise, stack

VOLUME = noise(4, 8, 10, dtype=np.uint16)
BAD = ["1e-300", "1e5", "0", "1e400", "-1", "NaN", "1e-5", "200"]


def with_text(keyword: str, values: list[str]) -> Series:
    """A series whose header holds decimal strings as they are."""
    headers = stack(VOLUME)
    placeholder = "123.4567"[: max(len(value) for value in values)]
    files = []
    for header in headers:
        setattr(header, keyword, [placeholder] * len(values) if len(values) > 1 else placeholder)
        files.append(header)
    plain = b"\\".join([placeholder.encode()] * len(values))
    wanted = b"\\".join(value.ljust(len(placeholder)).encode() for value in values)
    return read([(name, data.replace(plain, wanted)) for name, data in named(files)]).series[0]


@pytest.mark.parametrize("bad", BAD)
def test_pixel_spacing(bad: str) -> None:
    for values in ([bad, bad], ["0.5", bad], [bad, "0.5"]):
        series = with_text("PixelSpacing", values)
        assert series.spacing is None
        assert series.affine is None
        assert any("not plausible" in note for note in series.notes), series.notes
        mask = np.ones(series.pixels.shape, bool)
        assert area_mm2(mask[0], series).unit == "pixels"
        assert volume_ml(mask, series).unit == "pixels"


@pytest.mark.parametrize("bad", ["1e-300", "1e5", "1e400", "NaN"])
@pytest.mark.parametrize("keyword", ["SliceThickness", "SpacingBetweenSlices"])
def test_slice_thickness(keyword: str, bad: str) -> None:
    series = with_text(keyword, [bad])
    assert any(keyword in note and "not plausible" in note for note in series.notes)
    assert series.spacing == pytest.approx((3.0, 0.5, 0.75))  # by the slices' places


def test_a_single_slice_without_a_plausible_thickness_has_an_area() -> None:
    header = dataset(VOLUME[0], PixelSpacing=[0.5, 0.75], SliceThickness="1e9")
    series = read(named([header])).series[0]
    assert area_mm2(np.ones((8, 10), bool), series).value == pytest.approx(80 * 0.5 * 0.75)
    assert volume_ml(np.ones((1, 8, 10), bool), series).unit == "pixels"


@pytest.mark.parametrize("step", [1e-6, 4000.0])
def test_slices_at_implausible_distances_have_no_volume(step: float) -> None:
    headers = stack(VOLUME, step=step)
    for header in headers:
        header.SliceThickness = 1.0
    study = read(named(headers))
    for series in study.series:
        assert series.slices == 1 or volume_ml(np.ones(series.pixels.shape, bool), series).unit == "pixels"
        assert series.slices == 1 or series.notes


@pytest.mark.parametrize(("spacing", "thickness"), [(0.001, 0.001), (0.005, 0.05), (5.3, 8.0), (20.0, 100.0)])
def test_what_scanners_make_is_believed(spacing: float, thickness: float) -> None:
    series = read(named(stack(VOLUME, step=thickness, spacing=(spacing, spacing)))).series[0]
    assert series.spacing == pytest.approx((thickness, spacing, spacing))
