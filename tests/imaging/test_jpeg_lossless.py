"""JPEG Lossless and 12-bit JPEG within DICOM: decoded; what is not, is said in true words."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

from core.errors import UnreadableFileError
from core.imaging import Unit, read
from tests.imaging.builders import CT, dataset, named, noise, to_bytes

Y, X = np.mgrid[:40, :30]
PLANE = (2000 + 1500 * np.sin(X / 7) * np.cos(Y / 9)).astype(np.uint16)
MPEG = UID("1.2.840.10008.1.2.4.100")


def packed(frames: list[bytes], like: np.ndarray, syntax: UID, **tags: Any) -> FileDataset:
    header = dataset(like, CT, "CT", **tags)
    header.file_meta.TransferSyntaxUID = syntax
    header.PixelData = encapsulate(frames)
    header["PixelData"].VR = "OB"
    return header


def lossless(plane: np.ndarray, bits: int, **options: Any) -> bytes:
    return imagecodecs.jpeg8_encode(plane, lossless=True, bitspersample=bits, **options)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("predictor", [1, 2, 3, 4, 5, 6, 7])
def test_lossless_is_lossless(bits: int, predictor: int) -> None:
    plane = (PLANE >> 4).astype(np.uint8) if bits == 8 else PLANE * (16 if bits == 16 else 1)
    syntax = JPEGLosslessSV1 if predictor == 1 else JPEGLossless
    frame = lossless(plane, bits, predictor=predictor)
    header = packed([frame], plane, syntax, BitsStored=bits, HighBit=bits - 1, RescaleSlope=1, RescaleIntercept=-1024)
    series = read(named([header])).series[0]
    assert series.unit is Unit.HU
    np.testing.assert_array_equal(series.pixels[0], plane.astype(np.float32) - 1024)
    assert series.notes == ()


@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values(bits: int) -> None:
    plane = PLANE.astype(np.int16) - 2048
    words = plane.view(np.uint16) & (2**bits - 1)
    header = packed([lossless(words, bits)], plane, JPEGLosslessSV1, BitsStored=bits, HighBit=bits - 1)
    np.testing.assert_array_equal(read(named([header])).series[0].pixels[0], plane.astype(np.float32))


def test_eight_bits_in_wide_words_and_several_frames() -> None:
    planes = noise(3, 40, 30)
    frames = [lossless(plane, 8) for plane in planes]
    header = packed(frames, planes.astype(np.uint16), JPEGLossless, BitsStored=8, HighBit=7)
    np.testing.assert_array_equal(read(named([header])).series[0].pixels, planes.astype(np.float32))


def test_colour() -> None:
    rgb = noise(40, 30, 3, seed=4)
    frame = imagecodecs.jpeg8_encode(rgb, lossless=True, colorspace="RGB", outcolorspace="RGB")
    header = packed([frame], rgb[..., 0], JPEGLosslessSV1, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    header.PlanarConfiguration = 0
    series = read(named([header])).series[0]
    np.testing.assert_allclose(series.pixels[0], rgb @ np.array([0.299, 0.587, 0.114]), atol=1e-3)


@pytest.mark.parametrize("syntax", [JPEGExtended12Bit, JPEGBaseline8Bit])
def test_twelve_bits(syntax: UID) -> None:
    # in the baseline syntax twelve bits have no place, but files hold them
    frame = imagecodecs.jpeg8_encode(PLANE, level=100, bitspersample=12)
    header = packed([frame], PLANE, syntax, BitsStored=12, HighBit=11)
    np.testing.assert_allclose(read(named([header])).series[0].pixels[0], PLANE.astype(float), atol=6)


def test_damaged_is_called_damaged_and_nothing_else_is() -> None:
    frame = lossless(PLANE, 12)
    torn = packed([frame[: len(frame) // 3]], PLANE, JPEGLossless, BitsStored=12, HighBit=11)
    other = packed([lossless(PLANE[:20], 12)], PLANE, JPEGLossless, BitsStored=12, HighBit=11)
    wide = packed([frame], PLANE.astype(np.uint8), JPEGLossless)
    for header, words in ((torn, "damaged"), (other, "another size"), (wide, "damaged")):
        with pytest.raises(UnreadableFileError, match=words):
            read(named([header]))
    film = packed([b"\x00\x00\x01\xb3" + bytes(60)], PLANE, MPEG)
    with pytest.raises(UnreadableFileError, match=r"MPEG2.* cannot be decoded here") as raised:
        read(named([film]))
    assert "damaged" not in str(raised.value)


def test_a_transfer_syntax_that_nobody_knows() -> None:
    data = to_bytes(dataset(PLANE)).replace(b"1.2.840.10008.1.2.1\x00", b"1.2.3.4.5.6789012345", 1)
    with pytest.raises(UnreadableFileError, match="unknown transfer syntax") as raised:
        read([("x.dcm", data)])
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"SamplesPerPixel": 4, "PhotometricInterpretation": "CMYK"}, "4 samples per pixel"),
        ({"BitsAllocated": 12}, "pixels of 12 bits"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "HSV"}, "colours as HSV"),
    ],
)
def test_what_the_standard_no_longer_has_is_not_called_damaged(tags: dict[str, Any], words: str) -> None:
    header = dataset(noise(8, 8))
    header.PixelData = bytes(8 * 8 * 4)
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    with pytest.raises(UnreadableFileError, match=words) as raised:
        read(named([header]))
    assert "damaged" not in str(raised.value)
