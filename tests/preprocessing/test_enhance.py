"""Greyscale enhancement against hand-worked cases, OpenCV on 8 bits and scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage import exposure

from core.preprocessing.enhance import clahe, contrast, sharpness


def smooth_noise(shape: tuple[int, int] = (128, 160), seed: int = 3) -> np.ndarray:
    plane = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 6)
    return ((plane - plane.min()) / np.ptp(plane)).astype(np.float32)


def test_one_tile_of_two_levels_by_hand() -> None:
    # Half the pixels at 0, half at 1, one tile, 256 bins, clip limit 4: the two full bins (128 flat each) keep 4 flat,
    # the other 248 flat are spread: 248/256 each. A pixel at 0 stands at the lower edge of bin 0: 0. One at 1 stands at
    # the upper edge of the last bin: 1. A pixel at 0.5 would stand at the middle, by symmetry 0.5.
    plane = np.zeros((16, 16), np.float32)
    plane[:, 8:] = 1.0
    np.testing.assert_allclose(clahe(plane, clip_limit=4.0, tiles=(1, 1)), plane, atol=1e-6)
    # now three levels: 0 (half), 0.25 (a quarter), 1 (a quarter); excess = 256 flat - 3 * 4 flat = 244 flat
    plane[:, 8:12] = 0.25
    # 0.25 is the lower edge of bin 64: below it lie bin 0 (4 flat) and 64 times 244/256 flat
    expected = (4 + 64 * 244 / 256) / 256
    np.testing.assert_allclose(clahe(plane, clip_limit=4.0, tiles=(1, 1))[:, 8:12], expected, atol=1e-6)


def test_one_tile_without_clipping_is_plain_equalisation() -> None:
    plane = smooth_noise()
    ours = clahe(plane, clip_limit=256.0, tiles=(1, 1))
    np.testing.assert_allclose(ours, exposure.equalize_hist(plane, nbins=256), atol=2 / 256)


@pytest.mark.parametrize("limit", [1.0, 2.0, 5.0])
def test_the_clip_limit_bounds_the_slope(limit: float) -> None:
    plane = smooth_noise()
    plane = (0.5 + 0.02 * (plane - 0.5)).astype(np.float32)  # faint texture, all of it in a few bins
    out = clahe(plane, clip_limit=limit, tiles=(1, 1), value_range=(0.0, 1.0))
    order = np.argsort(plane, axis=None)
    rise = np.diff(out.ravel()[order].astype(np.float64))
    run = np.diff(plane.ravel()[order].astype(np.float64))
    moved = run > 1e-6
    assert (rise[moved] / run[moved]).max() <= (limit + 1) * 1.02
    assert np.ptp(out) <= (limit + 1) * np.ptp(plane)
    assert (rise >= -1e-6).all()  # one tile: the order of grey levels stays


def test_a_higher_limit_gives_more_contrast() -> None:
    plane = (0.4 + 0.1 * smooth_noise()).astype(np.float32)
    spread = [float(clahe(plane, clip_limit=c, value_range=(0.0, 1.0)).std()) for c in (1.0, 2.0, 4.0, 8.0)]
    assert spread == sorted(spread)
    assert spread[-1] > 2 * spread[0]


def test_close_to_opencv_on_eight_bits() -> None:
    # tiles of many pixels, so that its whole-number counts are fine enough
    picture = np.round(smooth_noise((512, 600)) * 255).astype(np.uint8)
    theirs = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(3, 2)).apply(picture).astype(np.float64)
    # theirs maps a level to the share of pixels up to and including it: the upper edge of its bin
    ours = 255 * clahe((picture + 0.999) / 256, clip_limit=3.0, tiles=(2, 3), value_range=(0.0, 1.0))
    assert np.abs(ours - theirs).max() <= 2.5
    assert np.ptp(theirs) > 150


def test_of_the_character_of_scikit_image() -> None:
    plane = smooth_noise()
    tiles = (4, 4)
    # its clip limit is a share of a tile's pixels: 1 / 64 of them is 4 times a flat histogram of 256 bins
    theirs = exposure.equalize_adapthist(plane, kernel_size=(32, 40), clip_limit=4 / 256, nbins=256)
    ours = clahe(plane, clip_limit=4.0, tiles=tiles)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.97
    for picture in (ours, theirs):  # both lift local contrast
        assert ndimage.generic_gradient_magnitude(picture, ndimage.sobel).mean() > (
            1.2 * ndimage.generic_gradient_magnitude(plane, ndimage.sobel).mean()
        )


def test_constant_and_odd_shapes() -> None:
    flat = np.full((40, 30), 7.5, np.float32)
    np.testing.assert_array_equal(clahe(flat), flat)
    for shape in ((5, 3), (33, 70), (1, 9)):
        out = clahe(np.random.default_rng(0).random(shape).astype(np.float32))
        assert out.shape == shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()
    with pytest.raises(ValueError, match="at least 1"):
        clahe(flat, clip_limit=0.5)


def test_values_keep_their_range() -> None:
    hounsfield = (smooth_noise() * 2000 - 1000).astype(np.float32)
    out = clahe(hounsfield)
    assert out.min() >= -1000 - 1e-3
    assert out.max() <= 1000 + 1e-3


def test_contrast_identities() -> None:
    plane = smooth_noise()
    np.testing.assert_allclose(contrast(plane, 1.0), plane, atol=1e-6)
    np.testing.assert_allclose(contrast(plane, 0.0), plane.mean(), atol=1e-6)
    assert contrast(plane, 2.0).mean() == pytest.approx(plane.mean(), abs=1e-5)
    assert contrast(plane, 2.0).std() == pytest.approx(2 * plane.std(), rel=1e-5)
    np.testing.assert_allclose(contrast(np.array([[0.0, 4.0]], np.float32), 0.5), [[1.0, 3.0]])
    with pytest.raises(ValueError, match="not negative"):
        contrast(plane, -1.0)


def test_sharpness_identities() -> None:
    plane = smooth_noise()
    np.testing.assert_allclose(sharpness(plane, 1.0), plane, atol=1e-6)
    inner = (slice(8, -8), slice(8, -8))
    soft = ndimage.gaussian_filter(plane.astype(np.float64), 1.0, truncate=4)
    np.testing.assert_allclose(sharpness(plane, 0.0)[inner], soft[inner], atol=2e-3)
    # linear in the factor: halfway between smooth and sharp is their mean
    np.testing.assert_allclose(sharpness(plane, 1.5), (sharpness(plane, 0.0) + sharpness(plane, 3.0)) / 2, atol=1e-5)
    np.testing.assert_allclose(sharpness(np.full((9, 9), 3.0, np.float32), 5.0), 3.0, atol=1e-5)
