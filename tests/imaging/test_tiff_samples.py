"""TIFF of every sample format against what was written, or a refusal that says what the file is."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile

from core.errors import LimitExceededError, UnreadableFileError
from core.imaging import Limits, Series, Unit, read
from core.preprocessing.windows import automatic, shown_inverted, to_display
from tests.imaging.builders import noise, picture

KINDS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64")


def ramp(kind: str) -> np.ndarray:
    """The whole range of a kind, at most 60,000 in floating point."""
    if np.dtype(kind).kind == "f":
        return np.linspace(-60_000, 60_000, 30 * 40).reshape(30, 40).astype(kind)
    info = np.iinfo(kind)
    steps = np.linspace(0, 1, 30 * 40).reshape(30, 40)
    return np.round(info.min * (1 - steps) + info.max * steps).clip(info.min, info.max * (1 - 1e-16)).astype(kind)


def tiff(values: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


def one(data: bytes) -> Series:
    return read([("a.tif", data)]).series[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strips", "tiles"])
def test_every_kind_of_number(kind: str, order: str, tile: tuple[int, int] | None) -> None:
    values = ramp(kind)
    series = one(tiff(values, byteorder=order, tile=tile))
    np.testing.assert_allclose(series.pixels[0], values.astype(np.float64), rtol=1e-6)
    plain = kind in ("uint8", "uint16")
    assert series.unit is (Unit.GREY if plain else Unit.ARBITRARY)
    assert (series.value_range is not None) == plain


@pytest.mark.parametrize("kind", KINDS)
def test_white_as_zero(kind: str) -> None:
    values = ramp(kind)
    series = one(tiff(values, photometric="miniswhite"))
    if kind == "uint8":  # turned round on reading
        np.testing.assert_array_equal(series.pixels[0], 255.0 - values)
    else:
        np.testing.assert_allclose(series.pixels[0], values.astype(np.float64), rtol=1e-6)
    shown = to_display(series.pixels[0], automatic(series), invert=shown_inverted(series))
    assert shown[0, 0] > 250 > 5 > shown[-1, -1]


def test_pages_and_big_tiff() -> None:
    values = np.stack([ramp("int8"), -ramp("int8") // 2])
    np.testing.assert_array_equal(one(tiff(values, bigtiff=True)).pixels, values.astype(np.float32))
    doubles = np.stack([ramp("float64")] * 3)
    series = one(tiff(doubles, photometric="minisblack"))
    np.testing.assert_allclose(series.pixels, doubles, rtol=1e-6)
    assert len(series.names) == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    for kind in ("uint16", "float64"):  # the one decoded by Pillow, the other by tifffile
        values = ramp(kind)
        got = one(tiff(values, extratags=[(274, "H", 1, orientation, True)])).pixels[0]
        np.testing.assert_allclose(got, _upright(values.astype(float), orientation), rtol=1e-6)


def _upright(plane: np.ndarray, orientation: int) -> np.ndarray:
    """TIFF 6.0, tag 274, in its own words: where row 0 and column 0 of the file belong."""
    row0, column0 = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    if row0 in ("left", "right"):
        plane, row0, column0 = plane.T, column0, row0
    plane = plane[::-1] if row0 == "bottom" else plane
    return plane[:, ::-1] if column0 == "right" else plane


def test_pixels_without_a_number() -> None:
    values = ramp("float32")
    values[3, 4], values[5, 6] = np.nan, np.inf
    series = one(tiff(values))
    assert series.padding is not None
    assert series.padding.sum() == 2
    assert series.pixels[0, 3, 4] == series.pixels[0, 5, 6] == -60_000
    assert any("without a number" in note for note in series.notes)


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (ramp("float64"), {"compression": "zlib"}, "64-bit floating-point numbers compressed by ADOBE_DEFLATE"),
        (ramp("float16"), {"compression": "zlib"}, "16-bit floating-point"),
        (np.zeros((8, 8), np.complex64), {}, "64-bit"),
        (noise(8, 8, 3, dtype=np.int16), {"photometric": "rgb"}, "3 samples of 16-bit signed"),
        (np.zeros((8, 8, 3), np.float64), {"photometric": "rgb"}, "3 samples of 64-bit floating-point"),
        (
            noise(3, 8, 8, dtype=np.uint16),
            {"photometric": "rgb", "planarconfig": "separate"},
            "16 bits, plane by plane",
        ),
        (
            noise(8, 8, dtype=np.uint16),
            {"photometric": "palette", "colormap": np.zeros((3, 65536), np.uint16)},
            "a palette of 16 bits",
        ),
        (
            ramp("float32"),
            {"compression": "zlib", "predictor": True, "byteorder": ">"},
            "big-endian order behind a predictor",
        ),
        (noise(4, 8, 8, dtype=np.uint16), {"imagej": True, "truncate": True}, "4 images behind one directory"),
        (
            noise(4, 8, 8, dtype=np.uint16),
            {"photometric": "minisblack", "metadata": {"axes": "ZYX"}, "truncate": True},
            "4 images behind one directory",
        ),
        (np.zeros((16, 16, 16), np.uint16), {"volumetric": True, "tile": (16, 16, 16)}, "16 images in one page"),
        (noise(8, 8, 3), {"photometric": "rgb", "compression": "webp"}, "compressed by WEBP"),
    ],
)
def test_what_is_not_read_is_named(values: np.ndarray, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UnreadableFileError, match=words) as raised:
        one(tiff(values, **options))
    assert "damaged" not in raised.value.message


@pytest.mark.parametrize(("kind", "told"), [("uint16", True), ("uint8", False)])
@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"byteorder": ">"}])
def test_colours_of_sixteen_bits_say_that_they_were_read_as_eight(
    kind: str, told: bool, options: dict[str, Any]
) -> None:
    values = noise(8, 8, 3).astype(kind) * (257 if told else 1)
    series = one(tiff(values, photometric="rgb", **options))
    assert any("read as eight" in note for note in series.notes) == told
    np.testing.assert_allclose(series.pixels[0], noise(8, 8, 3) @ [0.299, 0.587, 0.114], atol=1e-3)
    grey = one(tiff(noise(8, 8, dtype=np.uint16)))
    assert not any("read as eight" in note for note in grey.notes)


def test_a_transparency_mask_is_named() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        file.write(noise(8, 8))
        file.write(noise(8, 8) > 100, subfiletype=4)
    with pytest.raises(UnreadableFileError, match="transparency mask"):
        one(out.getvalue())


def test_damage_is_called_damage() -> None:
    data = tiff(ramp("float64"))
    for part in (data[: len(data) // 2], data[:200]):
        with pytest.raises(UnreadableFileError, match="truncated or damaged"):
            one(part)


def test_refused_by_the_header() -> None:
    with pytest.raises(LimitExceededError, match="total voxels"):
        read([("a.tif", tiff(ramp("float64")))], Limits(total_voxels=1000))
    with pytest.raises(LimitExceededError, match="width and height"):
        read([("a.tif", tiff(ramp("float64")))], Limits(side=20))


def test_a_mask_of_signed_bytes() -> None:
    image, mask = noise(8, 8), np.zeros((8, 8), np.int8)
    mask[2:4, 2:4] = -1  # 255 as a signed byte
    series = read([("a.png", picture(image)), ("a_mask.tif", tiff(mask))]).series[0]
    assert series.truth is not None
    assert series.truth.sum() == 4


@pytest.mark.parametrize(("kind", "words"), [("lossless", "lossless JPEG"), ("twelve", "12-bit JPEG")])
def test_an_uncommon_jpeg_is_named(kind: str, words: str) -> None:
    data = bytearray(picture(noise(16, 16), "JPEG"))
    at = data.index(b"\xff\xc0")
    if kind == "lossless":
        data[at + 1] = 0xC3
    else:
        data[at + 1], data[at + 4] = 0xC1, 12
    with pytest.raises(UnreadableFileError, match=words) as raised:
        read([("a.jpg", bytes(data))])
    assert "damaged" not in raised.value.message
