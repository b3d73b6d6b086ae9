"""Display windows: CT presets only on Hounsfield units, and the mapping to grey levels by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging.study import Modality, Series, Unit, Window
from core.preprocessing.windows import automatic, presets, to_display


def series(unit: Unit, pixels: np.ndarray | None = None, **facts: object) -> Series:
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8) if pixels is None else pixels
    return Series("k", "d", values, unit=unit, **facts)  # type: ignore[arg-type]


def test_ct_presets_only_where_the_scale_is_hounsfield() -> None:
    names = {w.name for w in presets(series(Unit.HU, modality=Modality.CT))}
    assert {"lung", "mediastinum", "bone", "brain"} <= names
    for unit in (Unit.GREY, Unit.ARBITRARY, Unit.BQML, Unit.SUV):
        others = {w.name for w in presets(series(unit, modality=Modality.CT))}
        assert not others & {"lung", "mediastinum", "bone", "brain"}, unit


def test_the_stored_window_comes_first() -> None:
    own = presets(series(Unit.HU, window=Window(35.0, 350.0)))[0]
    assert (own.centre, own.width, own.name) == (35.0, 350.0, "as stored")


def test_to_display_by_hand() -> None:
    # centre 40, width 400: -160 is black, 240 is white, 40 the middle
    plane = np.array([[-1000.0, -160.0, 40.0, 140.0, 240.0, 3000.0]], np.float32)
    shown = to_display(plane, Window(40.0, 400.0))
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, [[0, 0, 128, 191, 255, 255]])
    np.testing.assert_array_equal(to_display(plane, Window(40.0, 400.0), invert=True), [[255, 255, 128, 64, 0, 0]])


def test_a_full_range_picture_is_shown_as_it_is() -> None:
    plane = np.arange(256, dtype=np.float32).reshape(1, 16, 16)
    window = automatic(series(Unit.GREY, plane, value_range=(0.0, 255.0)))
    np.testing.assert_array_equal(to_display(plane[0], window), plane[0].astype(np.uint8))


def test_automatic_window_is_the_percentiles() -> None:
    values = np.random.default_rng(0).normal(100, 20, (3, 40, 40)).astype(np.float32)
    window = automatic(series(Unit.ARBITRARY, values))
    low, high = np.percentile(values, (1.0, 99.5))
    assert window.centre - window.width / 2 == pytest.approx(low, rel=1e-5)
    assert window.centre + window.width / 2 == pytest.approx(high, rel=1e-5)


def test_a_blank_image_has_a_window() -> None:
    blank = np.full((1, 8, 8), 5.0, np.float32)
    window = automatic(series(Unit.ARBITRARY, blank))
    assert window.width > 0
    assert np.isfinite(to_display(blank[0], window)).all()
