"""Changes that are no disease: each is what NumPy, SciPy or Pillow makes of it, and the lesion keeps every value."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from core.imaging.study import Series
from core.simulate.disguise import FADE, FIRST_SEED, MARGIN, Change, changed, scale, scan
from core.systems import SYSTEMS
from core.teaching import builtin

ALL = Change(spread=0.6, level=0.05, blur=2.0, noise=0.03, quality=30, frame=0.05, mark=0.1)
LABELS = {"brain-mr": "tumour", "chest-ct": "malignant", "pet": "breast cancer"}


def _scan(system: str) -> Series:
    assert LABELS[system] in SYSTEMS[system].classes or LABELS[system] in SYSTEMS[system].labels
    return scan(system, 1, LABELS[system])


def _far(series: Series) -> np.ndarray:
    assert series.truth is not None
    return ndimage.distance_transform_edt(~series.truth[0]) > MARGIN + FADE + 1


@pytest.mark.parametrize("system", LABELS)
def test_a_lesion_keeps_every_value_whatever_is_done_around_it(system: str) -> None:
    series = _scan(system)
    assert series.truth is not None
    made = changed(series, ALL)
    before, after = series.pixels[0], made.study.series[0].pixels[0]
    assert made.untouched
    safe = ndimage.binary_dilation(series.truth[0], iterations=1)
    assert (after[safe] == before[safe]).all()
    gap = (after.astype(np.float64) - before) / scale(series)
    assert made.distance == pytest.approx(np.sqrt(np.mean(gap**2)))
    assert made.largest == pytest.approx(np.abs(gap).max())
    assert made.distance > 0.02
    assert changed(series, ALL).study.sha256 == made.study.sha256


def test_nothing_is_changed_by_default() -> None:
    series = _scan("chest-ct")
    made = changed(series, Change())
    assert (made.study.series[0].pixels == series.pixels).all()
    assert (made.distance, made.largest, made.untouched) == (0, 0, True)


def test_spread_and_level_as_by_hand() -> None:
    series = _scan("chest-ct")
    before = series.pixels[0].astype(np.float64)
    wanted = before.mean() + 0.8 * (before - before.mean()) + 0.1 * scale(series)
    low, high = series.value_range or (-np.inf, np.inf)
    after = changed(series, Change(spread=0.8, level=0.1)).study.series[0].pixels[0]
    far = _far(series)
    assert np.allclose(after[far], np.clip(wanted, low, high)[far], atol=0.01)


def test_blur_as_scipys_and_jpeg_as_pillows() -> None:
    series = scan("brain-mr", 1, "no tumour")  # nothing to protect: the whole picture is changed
    before = series.pixels[0]
    after = changed(series, Change(blur=4.0)).study.series[0].pixels[0]
    other = ndimage.gaussian_filter(before.astype(np.float64), 4.0 / 2.3548, mode="mirror")
    assert np.abs(after - other).max() < 0.01 * np.ptp(other)
    low, width = before.min(), np.ptp(before)
    buffer = io.BytesIO()
    Image.fromarray(np.round((before - low) / width * 255).astype(np.uint8)).save(buffer, "JPEG", quality=20)
    stored = np.asarray(Image.open(buffer), np.float64) / 255 * width + low
    assert np.allclose(changed(series, Change(quality=20)).study.series[0].pixels[0], stored, atol=1e-3)


def test_frame_and_mark_are_where_they_are_said_to_be() -> None:
    series = scan("brain-mr", 1, "no tumour")
    after = changed(series, Change(frame=0.05, mark=0.1)).study.series[0].pixels[0]
    height, width = after.shape
    edge, side = round(0.05 * min(after.shape)), round(0.1 * min(after.shape))
    bright = series.pixels.max()
    assert (after[:edge] == bright).all()
    assert (after[:, -edge:] == bright).all()
    assert (after[:side, :side] == bright).all()
    inner = (slice(edge, height - edge), slice(side, width - edge))
    assert (after[inner] == series.pixels[0][inner]).all()


def test_a_picture_is_moved_by_whole_pixels_and_a_lesion_that_is_cut_or_zoomed_is_touched() -> None:
    series = _scan("brain-mr")
    assert series.truth is not None
    made = changed(series, Change(down=7, right=-9))
    moved = np.roll(series.pixels[0], (7, -9), (0, 1))
    assert (made.study.series[0].pixels[0][7:, :-9] == moved[7:, :-9]).all()
    assert made.study.series[0].truth is not None
    assert (made.study.series[0].truth[0] == np.roll(series.truth[0], (7, -9), (0, 1))).all()
    assert made.untouched
    assert not changed(series, Change(down=series.shape[0] - 20)).untouched
    zoomed = changed(series, Change(zoom=1.5))
    lesion = zoomed.study.series[0].truth
    assert lesion is not None
    assert not zoomed.untouched
    assert lesion.sum() == pytest.approx(2.25 * series.truth.sum(), rel=0.05)


def test_a_clear_scan_is_changed_as_a_whole() -> None:
    series = scan("pet", 1, "no cancer")
    plain = changed(replace(series, truth=None), Change(spread=0.5))
    assert plain.untouched  # there is nothing that could be
    assert plain.study.sha256 == changed(series, Change(spread=0.5)).study.sha256


@pytest.mark.parametrize(
    "wrong", [{"spread": -1.0}, {"level": float("nan")}, {"frame": 0.4}, {"zoom": 0.0}, {"quality": 0}, {"mark": 0.3}]
)
def test_senseless_changes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got Change"):
        Change(**wrong)  # type: ignore[arg-type]


def test_no_quiz_draws_a_scan_of_the_laboratory() -> None:
    seeds = [draft.place["seed"] for plan in builtin.PLANS for draft in builtin.drafts(plan)]
    seeds += [draft.place["seed"] for draft in builtin.simulated("brain-mr", ["tumour"] * 500, 10**6)]
    assert max(seeds) < FIRST_SEED
