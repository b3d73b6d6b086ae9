"""PNG, JPEG and TIFF: depth, colour, orientation, pages, stacks, masks."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableFileError
from core.imaging import Series, SourceKind, Unit, attach_truth, read
from tests.imaging.builders import noise, picture, zipped

GREY = noise(9, 12, seed=4)
RGB = noise(9, 12, 3, seed=5)
LUMINANCE = RGB @ np.array([0.299, 0.587, 0.114])


def one(data: bytes, name: str = "x") -> Series:
    study = read([(name, data)])
    assert study.source is SourceKind.RASTER
    assert len(study.series) == 1
    return study.series[0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_eight_and_sixteen_bits(kind: str) -> None:
    eight = one(picture(GREY, kind))
    np.testing.assert_array_equal(eight.pixels[0], GREY)
    assert (eight.unit, eight.value_range, eight.spacing, eight.colour) == (Unit.GREY, (0.0, 255.0), None, False)
    deep = noise(9, 12, dtype=np.uint16)
    sixteen = one(picture(deep, kind))
    np.testing.assert_array_equal(sixteen.pixels[0], deep)
    assert sixteen.value_range == (0.0, 65535.0)


def test_the_name_does_not_matter() -> None:
    np.testing.assert_array_equal(one(picture(GREY), "scan.dcm").pixels[0], GREY)


def test_jpeg() -> None:
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    series = one(picture(smooth, "JPEG", quality=95))
    assert np.abs(series.pixels[0] - smooth).max() < 6
    stored_as_rgb = one(picture(Image.fromarray(smooth).convert("RGB"), "JPEG", quality=95))
    assert not stored_as_rgb.colour


def test_colour_and_grey_stored_as_colour() -> None:
    colour = one(picture(RGB))
    assert colour.colour
    np.testing.assert_allclose(colour.pixels[0], LUMINANCE, atol=1e-3)
    grey = one(picture(np.repeat(GREY[..., None], 3, axis=2)))
    assert not grey.colour
    np.testing.assert_array_equal(grey.pixels[0], GREY)


def test_alpha_palette_bilevel_and_cmyk() -> None:
    alpha = noise(9, 12, seed=6)
    series = one(picture(np.dstack([RGB, alpha])))
    np.testing.assert_allclose(series.pixels[0], LUMINANCE * alpha / 255, atol=1e-2)
    palette = Image.fromarray(GREY).quantize(256)
    np.testing.assert_array_equal(one(picture(palette)).pixels[0], np.asarray(palette.convert("L")))
    bits = GREY > 127
    np.testing.assert_array_equal(one(picture(Image.fromarray(bits))).pixels[0], bits * 255)
    inks = Image.fromarray(RGB).convert("CMYK")
    np.testing.assert_allclose(one(picture(inks, "TIFF")).pixels[0], LUMINANCE, atol=2)


def test_float_tiff_has_no_known_range() -> None:
    values = np.random.default_rng(0).normal(size=(9, 12)).astype(np.float32)
    series = one(picture(values, "TIFF"))
    np.testing.assert_array_equal(series.pixels[0], values)
    assert (series.value_range, series.unit) == (None, Unit.ARBITRARY)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: to be turned clockwise
    series = one(picture(GREY, kind, exif=exif))
    np.testing.assert_array_equal(series.pixels[0], np.rot90(GREY, -1))


def test_pages_form_a_stack() -> None:
    pages = [Image.fromarray(noise(9, 12, seed=seed)) for seed in range(4)]
    data = picture(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(one(data).pixels, np.stack([np.asarray(page) for page in pages]))


def test_folder_forms_a_stack_in_natural_order() -> None:
    files = [(f"case/slice_{number}.png", picture(np.full((4, 5), number, np.uint8))) for number in (10, 9, 1, 100, 2)]
    files.append(("case/other.png", picture(GREY)))
    files.append(("second/slice_1.png", picture(np.full((4, 5), 7, np.uint8))))
    study = read([("scan.zip", zipped(files))])
    assert [series.slices for series in study.series] == [1, 5, 1]
    stack = study.series[1]
    assert stack.pixels[:, 0, 0].tolist() == [1, 2, 9, 10, 100]
    assert stack.names[0] == "slice_1.png"
    assert study.name == "scan.zip"


def test_masks_pair_by_ending() -> None:
    mask = np.zeros((9, 12), np.uint8)
    mask[2:4, 5:8] = 255
    files = [("X_12.tif", picture(RGB, "TIFF")), ("X_2.tif", picture(RGB, "TIFF"))]
    series = read([*files, ("X_12_mask.tif", picture(mask, "TIFF"))]).series
    assert len(series) == 1
    assert series[0].names == ("X_2.tif", "X_12.tif")
    truth = series[0].truth
    assert truth is not None
    assert not truth[0].any()
    np.testing.assert_array_equal(truth[1], mask > 0)
    assert any("1 of 2 images" in note for note in series[0].notes)


@pytest.mark.parametrize("name", ["a-mask.png", "a mask.png", "a.mask.png", "A_MASK.png", "mask/a.png", "masks/a.png"])
def test_masks_by_other_names(name: str) -> None:
    series = read([("images/a.jpg", picture(GREY, "JPEG")), (name, picture(GREY))]).series
    assert len(series) == 1
    assert series[0].truth is not None
    np.testing.assert_array_equal(series[0].truth[0], GREY > 0)


def test_masks_of_the_same_name_in_several_folders() -> None:
    files = []
    for patient in "pq":
        for number in (1, 2):
            level = 10 * number + (patient == "q")
            files.append((f"images/{patient}/{number}.png", picture(np.full((4, 4), level, np.uint8))))
            files.append((f"masks/{patient}/{number}.png", picture(np.eye(4, dtype=np.uint8) * (number - 1))))
    study = read([("all.zip", zipped(files))])
    assert [series.truth.sum() for series in study.series if series.truth is not None] == [4, 4]


def test_unpaired_mask_stays_a_series() -> None:
    study = read([("b.png", picture(GREY)), ("a_mask.png", picture(GREY))])
    assert [bool(series.notes) for series in study.series] == [False, True]
    assert "looks like a mask" in study.series[1].notes[0]


def test_attach_truth_resamples_to_the_image() -> None:
    series = one(picture(np.zeros((8, 12), np.uint8)))
    mask = np.zeros((4, 6), np.uint8)
    mask[1, 2] = 9
    truth = attach_truth(series, one(picture(mask))).truth
    assert truth is not None
    np.testing.assert_array_equal(truth[0], np.kron(mask > 0, np.ones((2, 2), bool)))
    pages = [Image.fromarray(GREY)] * 2
    with pytest.raises(UnreadableFileError, match="2 slices"):
        attach_truth(series, one(picture(pages[0], "TIFF", save_all=True, append_images=pages[1:])))


def test_same_content_same_key() -> None:
    assert one(picture(GREY), "a").key == one(picture(GREY, "TIFF"), "b").key != one(picture(GREY.T), "c").key
