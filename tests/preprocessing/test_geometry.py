"""Fitting into the tensor and back, and what the channels hold."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging.study import Series, Unit
from core.preprocessing.contract import IMAGENET_MEAN, IMAGENET_STD, InputContract
from core.preprocessing.geometry import Fit
from core.preprocessing.prepare import neighbours, prepare


def corners(plane: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(plane > 0.5)
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1


@pytest.mark.parametrize("shape", [(256, 256), (100, 300), (400, 130), (64, 64), (31, 57)])
@pytest.mark.parametrize("size", [(192, 192), (96, 224)])
@pytest.mark.parametrize("resize", ["letterbox", "stretch", "actual"])
def test_a_rectangles_corners_come_back(shape: tuple[int, int], size: tuple[int, int], resize: str) -> None:
    fit = Fit.of(shape, size, resize)
    image = np.zeros(shape, np.float32)
    top, bottom, left, right = (round(f * s) for f, s in zip((0.2, 0.7, 0.3, 0.9), np.repeat(shape, 2), strict=True))
    image[top:bottom, left:right] = 1.0
    back = fit.back(fit.into(image))
    assert back.shape == shape
    pixel = max(max(a / b for a, b in zip(shape, fit.inner, strict=True)), 1.0)  # one tensor pixel in image pixels
    assert np.abs(np.array(corners(back)) - (top, bottom, left, right)).max() <= pixel


def test_letterbox_by_hand() -> None:
    fit = Fit.of((100, 200), (64, 64), "letterbox")
    assert (fit.inner, fit.top, fit.left) == ((32, 64), 16, 0)
    out = fit.into(np.full((100, 200), 5.0, np.float32), fill=-1.0)
    assert (out[:16] == -1).all()
    assert (out[48:] == -1).all()
    np.testing.assert_allclose(out[16:48], 5.0, rtol=1e-6)


def test_actual_size_enlarges_nothing_and_shrinks_to_fit() -> None:
    plane = np.random.default_rng(1).random((20, 31)).astype(np.float32)
    fit = Fit.of(plane.shape, (64, 64), "actual")
    out = fit.into(plane, fill=-1.0)
    np.testing.assert_array_equal(out[22:42, 16:47], plane)
    assert (out == -1).sum() == 64 * 64 - 20 * 31
    np.testing.assert_array_equal(fit.back(out), plane)
    assert Fit.of((100, 200), (64, 64), "actual").inner == (32, 64)


def test_the_margin_is_an_empty_pixel() -> None:
    plane = np.random.default_rng(0).random((20, 80)).astype(np.float32) + 3
    out = Fit.of(plane.shape, (64, 64), "letterbox").into(plane)
    assert out[0, 0] == plane.min()


def test_mask_coverage_keeps_the_area() -> None:
    mask = np.zeros((200, 200), bool)
    mask[33:90, 51:77] = True
    covered = Fit.of(mask.shape, (50, 50), "letterbox").mask_into(mask)
    assert covered.sum() * 16 == pytest.approx(mask.sum(), rel=1e-5)


def test_neighbours_at_the_ends() -> None:
    assert neighbours(0, 1) == (0, 0, 0)
    assert [neighbours(i, 3) for i in range(3)] == [(0, 0, 1), (0, 1, 2), (1, 2, 2)]
    assert neighbours(0, 1, 5) == (0, 0, 0, 0, 0)
    assert [neighbours(i, 4, 5) for i in (0, 1)] == [(0, 0, 0, 1, 2), (0, 0, 1, 2, 3)]
    assert [neighbours(i, 4, 5) for i in (2, 3)] == [(0, 1, 2, 3, 3), (1, 2, 3, 3, 3)]
    assert neighbours(0, 2, 9) == (0, 0, 0, 0, 0, 1, 1, 1, 1)


def stack(slices: int) -> Series:
    pixels = np.stack([np.full((32, 32), float(10 * i), np.float32) for i in range(slices)])
    return Series("k", "d", pixels, unit=Unit.GREY, value_range=(0.0, 100.0))


def test_channels_hold_previous_this_next() -> None:
    c = InputContract(channels=3, context="neighbours", height=32, width=32, scaling="range")
    x = prepare(stack(4), c)
    assert x.shape == (4, 3, 32, 32)
    np.testing.assert_allclose(x[:, :, 0, 0].numpy(), [[0, 0, 0.1], [0, 0.1, 0.2], [0.1, 0.2, 0.3], [0.2, 0.3, 0.3]])
    np.testing.assert_array_equal(prepare(stack(4), c, [2]).numpy(), x[2:3].numpy())


SLABS = {  # slices, in tenths, of a series of ten: the first, the second, one in the middle and the last
    5: {0: "00012", 1: "00123", 5: "34567", 9: "78999"},
    7: {0: "0000123", 1: "0001234", 5: "2345678", 9: "6789999"},
    9: {0: "000001234", 1: "000012345", 5: "123456789", 9: "567899999"},
}


@pytest.mark.parametrize("channels", SLABS)
def test_a_slab_holds_the_slices_around_in_order(channels: int) -> None:
    c = InputContract(channels=channels, context="neighbours", height=32, width=32, scaling="range")
    x = prepare(stack(10), c)
    assert x.shape == (10, channels, 32, 32)
    for index, slices in SLABS[channels].items():
        np.testing.assert_allclose(x[index, :, 3, 4].numpy(), [int(one) / 10 for one in slices], rtol=1e-6)
        np.testing.assert_array_equal(prepare(stack(10), c, [index]).numpy(), x[index : index + 1].numpy())


@pytest.mark.parametrize("channels", SLABS)
def test_a_single_image_is_a_slab_of_itself(channels: int) -> None:
    c = InputContract(channels=channels, context="neighbours", height=32, width=32, scaling="range")
    alone = Series("k", "d", stack(4).pixels[2:3], unit=Unit.GREY, value_range=(0.0, 100.0))
    np.testing.assert_allclose(prepare(alone, c).numpy(), np.full((1, channels, 32, 32), 0.2), rtol=1e-6)


def test_for_a_slice_without_numbers_the_middle_one_stands_in() -> None:
    pixels = stack(7).pixels.copy()
    pixels[2, 5, 5] = np.nan
    c = InputContract(channels=5, context="neighbours", height=32, width=32, scaling="range")
    x = prepare(Series("k", "d", pixels, unit=Unit.GREY, value_range=(0.0, 100.0)), c)
    np.testing.assert_allclose(x[4, :, 9, 9].numpy(), [0.4, 0.3, 0.4, 0.5, 0.6], rtol=1e-6)
    np.testing.assert_allclose(x[0, :, 9, 9].numpy(), [0, 0, 0, 0.1, 0], atol=1e-6)
    assert not np.isfinite(x[2, 2].numpy()).all()


def test_repeat_does_not_look_at_the_neighbours() -> None:
    c = InputContract(channels=3, height=32, width=32, scaling="range")
    whole = prepare(stack(4), c)
    alone = Series("k", "d", stack(4).pixels[2:3], unit=Unit.GREY, value_range=(0.0, 100.0))
    np.testing.assert_array_equal(prepare(alone, c).numpy(), whole[2:3].numpy())
    assert (whole[:, 0] == whole[:, 2]).all()


def test_imagenet_statistics_by_hand() -> None:
    c = InputContract(channels=3, height=32, width=32, scaling="range", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    x = prepare(stack(6), c, [5])  # grey level 50 of 100
    expected = [(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225]
    np.testing.assert_allclose(x[0, :, 7, 9].numpy(), expected, rtol=1e-5)
