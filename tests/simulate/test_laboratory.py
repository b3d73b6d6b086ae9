"""The laboratory's scans: each setting does what it says, measured on the picture itself, and nothing else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from core.errors import ContractError
from core.imaging.study import Unit
from core.simulate.laboratory import KINDS, Setting, canvas, full_scale, made

CLEAR = Setting(diameter=0)


def _pixels(system: str, setting: Setting) -> np.ndarray:
    return made(system, 2, setting).series[0].pixels[0].astype(np.float64)


@pytest.mark.parametrize("system", KINDS)
def test_a_lesion_has_the_size_and_contrast_that_were_set(system: str) -> None:
    series, _ = canvas(system, 2)
    step = series.spacing[2] if series.spacing else 1.0
    setting = Setting(diameter=20 * step, contrast=0.05)
    picture = made(system, 2, setting).series[0]
    truth = picture.truth
    assert truth is not None
    equal = 2 * np.sqrt(truth.sum() / np.pi)  # diameter of the disc of the same area, in pixels
    assert equal == pytest.approx(20, rel=0.25)  # its edge is rough
    added = picture.pixels[0].astype(np.float64) - _pixels(system, CLEAR)
    inner = ndimage.binary_erosion(truth[0], iterations=3)
    assert np.allclose(added[inner], 0.05 * full_scale(series), atol=0.02 * full_scale(series))
    assert np.abs(added[~ndimage.binary_dilation(truth[0], iterations=3)]).max() == 0
    assert made(system, 2, setting).sha256 == made(system, 2, setting).sha256


def test_no_lesion_leaves_the_scan_as_it_is() -> None:
    series, _ = canvas("chest-ct", 2)
    study = made("chest-ct", 2, CLEAR)
    assert (study.series[0].pixels[0] == series.pixels[series.slices // 2]).all()
    assert study.series[0].truth is not None
    assert not study.series[0].truth.any()


def test_noise_has_the_spread_that_was_set() -> None:
    scale = full_scale(canvas("chest-ct", 2)[0])
    added = _pixels("chest-ct", Setting(diameter=0, noise=0.05)) - _pixels("chest-ct", CLEAR)
    assert added.std() == pytest.approx(0.05 * scale, rel=0.02)


def test_blur_is_scipys_gaussian() -> None:
    step = canvas("chest-ct", 2)[0].spacing
    assert step is not None
    sigma = 6.0 / 2.3548 / step[2]
    mine = _pixels("chest-ct", Setting(diameter=0, blur=6.0))
    other = ndimage.gaussian_filter(_pixels("chest-ct", CLEAR), sigma, mode="mirror")
    assert np.abs(mine - other).max() < 0.01 * np.ptp(other)


def test_thick_slices_are_the_mean_of_thin_ones() -> None:
    series, _ = canvas("chest-ct", 2)
    middle = series.slices // 2
    assert np.allclose(
        _pixels("chest-ct", Setting(diameter=0, slices=5)), series.pixels[middle - 2 : middle + 3].mean(0)
    )


def test_a_small_lesion_fades_in_thick_slices() -> None:
    thin, thick = (
        (_pixels("chest-ct", Setting(10, 0.5, slices=n)) - _pixels("chest-ct", Setting(0, 0, slices=n))).max()
        for n in (1, 9)
    )
    assert thick < thin / 3  # 10 mm of 45


def test_a_window_and_jpeg_are_those_of_pillow() -> None:
    window = Setting(diameter=0, window=(-600.0, 1500.0))
    study = made("chest-ct", 2, window)
    assert study.series[0].unit is Unit.GREY
    grey = np.clip((_pixels("chest-ct", CLEAR) + 1350) / 1500, 0, 1) * 255
    assert np.abs(study.series[0].pixels[0] - grey).max() <= 0.5 + 1e-6
    lossy = made("chest-ct", 2, Setting(diameter=0, window=(-600.0, 1500.0), quality=20)).series[0].pixels[0]
    buffer = io.BytesIO()
    Image.fromarray(study.series[0].pixels[0].astype(np.uint8)).save(buffer, format="JPEG", quality=20)
    assert (lossy == np.asarray(Image.open(buffer))).all()


@pytest.mark.parametrize(
    "wrong", [{"diameter": -1}, {"slices": 2}, {"slices": 11}, {"quality": 0}, {"noise": float("nan")}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got"):
        Setting(**wrong)  # type: ignore[arg-type]


def test_systems_without_a_laboratory_are_named() -> None:
    with pytest.raises(ContractError, match="Known: brain-mr, chest-ct, pet"):
        made("breast-mri", 1, CLEAR)
