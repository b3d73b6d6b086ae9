"""Texts beside the coded samples of a kept file go: behind their end, between them, and in tags of a wrong type."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, RLELossless

from core.imaging import read
from core.imaging.bare.jpeg import bare_j2k
from tests.imaging.builders import dataset, noise, picture, to_bytes
from tests.imaging.test_bare import assert_same, stripped

TEXT = b"Quillwort Zebedee"
SMOOTH = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint16)


def slim(name: str, data: bytes) -> bytes:
    """The kept form of a file, which holds no text and is read as the file was."""
    assert TEXT in data
    kept = stripped(data)
    assert TEXT not in kept
    assert_same(read([(name, data)]), read([(name, kept)]))
    return kept


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_run_length_coded_frames(bits: int, signed: bool) -> None:
    values = noise(3, 32, 32, dtype=np.uint16, seed=bits).astype(np.int32) % 2**bits
    values = (values - 2 ** (bits - 1)).astype(np.int16) if signed else values.astype(np.uint16)
    header = dataset(values, BitsStored=bits, HighBit=bits - 1)
    header.compress(RLELossless)
    frames = [frame + TEXT + b"\0" * (len(TEXT) % 2) for frame in generate_frames(header.PixelData, number_of_frames=3)]
    header.PixelData = encapsulate(frames)
    kept = pydicom.dcmread(io.BytesIO(slim("a.dcm", to_bytes(header))))
    np.testing.assert_array_equal(kept.pixel_array, values)


@pytest.mark.parametrize("kind", ["comment", "tile comment", "tail", "boxes"])
def test_jpeg_2000(kind: str) -> None:
    header = dataset(SMOOTH, BitsStored=12, HighBit=11)
    header.compress(JPEG2000Lossless)
    (frame,) = generate_frames(header.PixelData, number_of_frames=1)
    frame = frame[: frame.rindex(b"\xff\xd9") + 2]
    comment = b"\xff\x64" + (len(TEXT) + 4).to_bytes(2, "big") + b"\0\1" + TEXT
    at = frame.index(b"\xff\x90")
    if kind == "comment":
        frame = frame[:at] + comment + frame[at:]
    elif kind == "tile comment":
        length = int.from_bytes(frame[at + 6 : at + 10], "big")
        longer = (length + len(comment)).to_bytes(4, "big") if length else bytes(4)
        frame = frame[: at + 6] + longer + frame[at + 10 : at + 12] + comment + frame[at + 12 :]
    elif kind == "tail":
        frame += TEXT
    else:
        box = struct.pack(">I4s", 8 + len(TEXT), b"xml ") + TEXT
        frame = b"\0\0\0\x0cjP  \r\n\x87\n" + box + struct.pack(">I4s", 8 + len(frame), b"jp2c") + frame
    found = bare_j2k(frame)
    assert TEXT not in found
    if kind != "boxes":  # decoders take the boxes of a whole JP2 file only
        header.PixelData = encapsulate([frame])
        slim("a.dcm", to_bytes(header))
    header.PixelData = encapsulate([found])
    np.testing.assert_array_equal(pydicom.dcmread(io.BytesIO(to_bytes(header))).pixel_array, SMOOTH)


def test_floating_point_pixels_end_where_they_end() -> None:
    header = dataset(noise(8, 8, dtype=np.uint16))
    del header.PixelData
    header.BitsAllocated, header.FloatPixelData = 32, noise(8, 8).astype(np.float32).tobytes()
    kept = pydicom.dcmread(io.BytesIO(stripped(to_bytes(header))))
    assert kept.FloatPixelData == header.FloatPixelData
    header.FloatPixelData += TEXT + b"\0" * (4 - len(TEXT) % 4)
    assert TEXT not in stripped(to_bytes(header))


def test_png_behind_the_end_of_its_lines() -> None:
    data = picture(noise(8, 8))
    at = data.index(b"IDAT")
    length = int.from_bytes(data[at - 4 : at], "big")
    lines = data[at + 4 : at + 4 + length] + TEXT
    extra = struct.pack(">I4s", len(TEXT), b"IDAT") + TEXT + struct.pack(">I", zlib.crc32(b"IDAT" + TEXT))
    chunk = struct.pack(">I4s", len(lines), b"IDAT") + lines + struct.pack(">I", zlib.crc32(b"IDAT" + lines))
    made = data[: at - 4] + chunk + extra + data[at + 8 + length :]
    kept = stripped(made)
    assert TEXT not in kept
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(kept))), np.asarray(Image.open(io.BytesIO(data))))


def tiff(values: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, values, metadata=None, **options)  # type: ignore[arg-type]
    return out.getvalue()


def test_tiff_tags_of_a_wrong_type() -> None:
    # X Resolution and Predictor as bytes
    extra = [(tag, 7, len(TEXT), TEXT, True) for tag in (296, 532)]
    slim("a.tif", tiff(noise(8, 8), extratags=extra))


def test_comments_within_a_tiff_files_jpeg_strips() -> None:
    out = io.BytesIO()
    Image.fromarray(SMOOTH.astype(np.uint8)).save(out, "TIFF", compression="jpeg")
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        page = file.pages[0]
        offset, length = page.dataoffsets[0], page.databytecounts[0]
        place = page.tags[279].valueoffset  # type: ignore[union-attr]
    comment = b"\xff\xfe" + (len(TEXT) + 2).to_bytes(2, "big") + TEXT
    strip = bytes(data[offset : offset + 2]) + comment + bytes(data[offset + 2 : offset + length])
    data[place : place + 4] = len(strip).to_bytes(4, "little")
    at = next(k for k in range(8, len(data) - 12) if data[k : k + 4] == b"\x11\x01\x04\x00")  # strip offsets
    data[at + 8 : at + 12] = len(data).to_bytes(4, "little")
    kept = slim("a.tif", bytes(data) + strip)
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(kept))), np.asarray(Image.open(io.BytesIO(out.getvalue())))
    )


def test_tiff_behind_the_end_of_a_packed_strip() -> None:
    data = bytearray(tiff(SMOOTH, compression="zlib", rowsperstrip=64))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        page = file.pages[0]
        offset, length = page.dataoffsets[0], page.databytecounts[0]
        places = [page.tags[tag].valueoffset for tag in (273, 279)]  # type: ignore[union-attr]
        kinds = [int(page.tags[tag].dtype) for tag in (273, 279)]  # type: ignore[union-attr]
    strip = bytes(data[offset : offset + length]) + TEXT
    for place, kind, value in zip(places, kinds, (len(data), len(strip)), strict=True):
        size = 2 if kind == 3 else 4
        data[place : place + size] = value.to_bytes(size, "little")
    slim("a.tif", bytes(data) + strip)
