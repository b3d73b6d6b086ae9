"""Every limit is named with a remedy, and reached before memory is spent."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from core.errors import EncryptedFileError, LimitExceededError, UnreadableFileError
from core.imaging import Limits, read
from tests.imaging.builders import dataset, nifti, noise, picture, stack, to_bytes, zipped

SMALL = picture(noise(8, 8))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def flat_png(width: int, height: int) -> bytes:
    """A valid, all-black 8-bit PNG of a multiple of 1000 rows, made without holding its pixels."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    rows = packer.compress(bytes(1000 * (width + 1))) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = ((width + 1) * height % 65521) << 16 | 1  # Adler-32 of zeros
    body = b"\x78\x9c" + rows * (height // 1000) + b"\x03\x00" + struct.pack(">I", checksum)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def refused_cheaply(files: list[tuple[str, bytes]], word: str, limits: Limits | None = None) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceededError, match=word) as caught:
            read(files, limits or Limits())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.remedy
    assert peak < 64 * 2**20


def test_huge_picture_is_refused_by_its_header() -> None:
    assert not np.asarray(Image.open(io.BytesIO(flat_png(300, 2000)))).any()  # the bombs are valid pictures
    refused_cheaply([("big.png", flat_png(20_000, 20_000))], "20,000 x 20,000 pixels; the limit on width and height")
    refused_cheaply([("big.png", flat_png(16_000, 8_000))], "64,000,000 pixels")


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_other_formats_too(kind: str) -> None:
    data = picture(Image.new("L", (300, 200)), kind)
    refused_cheaply([("x", data)], "300 x 200", Limits(image_pixels=50_000))
    refused_cheaply([("x", data)], "width and height is 250", Limits(side=250))


def test_pillow_own_bomb_check_ends_in_our_limit() -> None:
    tiff = bytearray(picture(Image.new("L", (300, 200)), "TIFF"))
    for tag, size in ((0x0100, 60_000), (0x0101, 60_000)):
        at = tiff.find(struct.pack("<H", tag), 4)
        struct.pack_into("<HHII", tiff, at, tag, 4, 1, size)
    refused_cheaply([("x.tif", bytes(tiff))], "limit on width and height")


def test_total_voxels_over_several_files() -> None:
    files = [(f"{number}.png", picture(noise(20, 20))) for number in range(3)]
    assert read(files, Limits(total_voxels=1200)).series[0].slices == 3
    refused_cheaply(files, "total voxels", Limits(total_voxels=1199))


def test_total_bytes() -> None:
    refused_cheaply([("a", SMALL), ("b", SMALL)], "total bytes", Limits(total_bytes=2 * len(SMALL) - 1))


def test_files_in_a_zip() -> None:
    files = [(f"{number}.png", SMALL) for number in range(6)]
    assert read([("z.zip", zipped(files))], Limits(files=6)).series[0].slices == 6
    refused_cheaply([("z.zip", zipped(files))], "limit on files", Limits(files=5))


def test_directory_of_a_zip_is_counted_before_it_is_parsed() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(3000):
            archive.writestr(str(number), b"")
    refused_cheaply([("z.zip", out.getvalue())], "limit on files", Limits(files=500))


def test_nesting() -> None:
    twice = zipped([("inner.zip", zipped([("a.png", SMALL)]))])
    assert read([("outer.zip", twice)]).series[0].names == ("a.png",)
    refused_cheaply([("z.zip", zipped([("outer.zip", twice)]))], "limit on nesting")


def test_zip_bomb() -> None:
    bomb = zipped([("zeros.bin", bytes(40 * 2**20))])
    assert len(bomb) < 100_000
    refused_cheaply([("bomb.zip", bomb)], "decompression ratio")
    # many entries, each below the floor, are counted together
    many = zipped([(f"{number}.bin", bytes(3 * 2**20)) for number in range(8)])
    refused_cheaply([("bomb.zip", many)], "decompression ratio")


def test_small_flat_files_are_no_bomb() -> None:
    black = np.zeros((2000, 2000), np.uint8)
    data = zipped([("black.tif", picture(black, "TIFF"))])
    assert len(data) * 200 < black.size
    assert read([("flat.zip", data)]).series[0].shape == (2000, 2000)


def test_gzip_bomb() -> None:
    refused_cheaply([("x.gz", gzip.compress(bytes(40 * 2**20)))], "decompression ratio")


def test_packed_volume_gives_no_more_than_its_header_says() -> None:
    volume = nifti(noise(4, 5, 6))
    series = read([("x.nii.gz", gzip.compress(volume + bytes(40 * 2**20)))]).series[0]
    assert series.pixels.shape == (6, 5, 4)


def test_false_sizes_in_a_zip_are_not_believed() -> None:
    data = bytearray(zipped([("a.png", SMALL)]))
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    with pytest.raises(UnreadableFileError):
        read([("z.zip", bytes(data))])


def test_encrypted_zip() -> None:
    data = bytearray(zipped([("a.png", SMALL)]))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(EncryptedFileError, match="password"):
        read([("z.zip", bytes(data))])
    assert read([("z.zip", bytes(data)), ("b.png", SMALL)]).problems[0].name == "z.zip"


def test_deflated_dicom_bomb() -> None:
    header = dataset(noise(4, 4))
    header.PixelData = bytes(40 * 2**20)
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    refused_cheaply([("x.dcm", to_bytes(header))], "decompression ratio")


def test_dicom_header_that_promises_too_much() -> None:
    header = dataset(noise(4, 4), NumberOfFrames=100_000)
    header.Rows = header.Columns = 8000
    refused_cheaply([("x.dcm", to_bytes(header))], "total voxels")


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_compressed_dicom_larger_than_its_header(syntax: str) -> None:
    header = dataset(noise(256, 256, dtype=np.uint8))
    header.compress(syntax)
    assert read([("x.dcm", to_bytes(header))]).series[0].shape == (256, 256)
    header.Rows = header.Columns = 64
    with pytest.raises(UnreadableFileError, match="another size"):
        read([("x.dcm", to_bytes(header))])


def test_paths_in_a_zip_are_cleaned() -> None:
    names = ["../../etc/a.png", "C:\\scans\\b.png", "/root/c\n.png"]
    study = read([("z.zip", zipped([(name, SMALL) for name in names]))])
    assert sorted(name for series in study.series for name in series.names) == ["a.png", "b.png", "c.png"]


def test_junk_of_operating_systems_is_passed_over() -> None:
    junk = [("__MACOSX/._a.png", b"x"), (".DS_Store", b"x"), ("Thumbs.db", b"x")]
    study = read([("z.zip", zipped([("a.png", SMALL), *junk]))])
    assert study.problems == ()
    assert read([("s.zip", zipped([("s/1.dcm", to_bytes(stack(noise(1, 8, 8))[0]))]))]).problems == ()


def test_a_member_that_cannot_be_unpacked_costs_itself_only() -> None:
    good = [(f"{n}.png", picture(noise(8, 8, seed=n))) for n in range(3)]
    data = bytearray(zipped(good))
    place = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 1)  # the second member's entry in the directory
    for offset, value in ((8, 1), (10, 97)):  # marked as encrypted; packed by an unknown method
        bad = bytearray(data)
        bad[place + offset] |= value
        study = read([("a.zip", bytes(bad))])
        assert sum(series.slices for series in study.series) == 2
        (problem,) = study.problems
        assert problem.name == "1.png"
        assert "encrypted" in problem.reason or "uncommon" in problem.reason
