"""Damaged files end in a sentence for the user, never in another exception."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from core.errors import OverreadError, UnreadableFileError
from core.imaging import Limits, read
from tests.imaging.builders import (
    CT,
    PET,
    dataset,
    named,
    nifti,
    noise,
    pet_tags,
    picture,
    stack,
    to_bytes,
    zipped,
)

GOOD = picture(noise(8, 8))


@cache
def seeds() -> dict[str, bytes]:
    """One small valid file of every kind."""
    pixels = noise(32, 32, dtype=np.uint16) % 4096
    made = {
        "png": picture(noise(16, 16, 3)),
        "jpeg": picture(noise(16, 16, 3), "JPEG"),
        "tiff": picture(noise(16, 16), "TIFF", save_all=True, append_images=[Image.new("L", (16, 16))]),
        "nifti": nifti(noise(4, 5, 6)),
        "nifti packed": nifti(noise(4, 5, 6), packed=True),
        "zip": zipped([("a/b.png", GOOD), ("a/b_mask.png", GOOD)]),
        "ct": to_bytes(stack(pixels[None], sop_class=CT, modality="CT", RescaleSlope=1, RescaleIntercept=-1024)[0]),
        "pet": to_bytes(stack(pixels[None], sop_class=PET, modality="PT", **pet_tags())[0]),
        "multi": to_bytes(dataset(noise(3, 8, 8))),
    }
    for name, syntax in {"j2k": JPEG2000Lossless, "jls": JPEGLSLossless, "rle": RLELossless}.items():
        header = dataset(pixels)
        header.compress(syntax)
        made[name] = to_bytes(header)
    header = dataset(pixels)
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    made["deflated"] = to_bytes(header)
    return made


def harmless(data: bytes) -> None:
    try:
        study = read([("file", data)], Limits(total_voxels=4_000_000, total_bytes=2**26))
    except OverreadError:
        return
    assert all(np.isfinite(series.pixels).all() for series in study.series)


@pytest.mark.parametrize("kind", list(seeds()))
def test_seed_is_readable(kind: str) -> None:
    assert read([("file", seeds()[kind])]).series


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    content = bytearray(seeds()[data.draw(st.sampled_from(sorted(seeds())))])
    for _ in range(data.draw(st.integers(1, 6))):
        # headers come first in every format: most changes go there
        last = len(content) - 1 if data.draw(st.booleans()) else min(len(content) - 1, 600)
        content[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    if data.draw(st.integers(0, 3)) == 0:
        del content[data.draw(st.integers(0, len(content))) :]
    harmless(bytes(content))


@settings(max_examples=100, deadline=None)
@given(start=st.sampled_from([seeds()[kind][:size] for kind in seeds() for size in (4, 140, 352)]), rest=st.binary())
def test_any_bytes_after_a_true_beginning(start: bytes, rest: bytes) -> None:
    harmless(start + rest)


@pytest.mark.parametrize("kind", ["png", "jpeg", "nifti packed", "zip", "ct", "j2k", "jls", "rle", "deflated"])
def test_truncated(kind: str) -> None:
    data = seeds()[kind]
    with pytest.raises(UnreadableFileError) as caught:
        read([("file", data[: len(data) * 6 // 10])])
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"just some text\n" * 20, "a text file"),
        (b"", "an empty file"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"GIF89a....", "a GIF picture"),
        (b"\x80\x04\x95" + bytes(range(200)), "a Python pickle"),
        (bytes(range(256)), "binary data of an unknown kind"),
    ],
)
def test_says_what_it_looks_like(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFileError, match=words) as caught:
        read([("picture.png", data)])
    assert "PNG" in caught.value.remedy


def test_broken_file_among_good_ones_is_named() -> None:
    files = [("s/a.png", GOOD), ("s/broken.png", GOOD[:-30]), ("s/notes.txt", b"hello there"), ("s/b.png", GOOD)]
    study = read([("upload.zip", zipped(files))])
    assert study.series[0].slices == 2
    assert [problem.name for problem in study.problems] == ["broken.png", "notes.txt"]
    assert "truncated" in study.problems[0].reason


def test_damaged_member_of_a_zip_is_named() -> None:
    data = bytearray(zipped([("a.png", GOOD), ("b.png", GOOD)]))
    data[data.find(b"\x89PNG", 60) + 40 if b"\x89PNG" in data else 60] ^= 0xFF
    study = read([("z.zip", bytes(data))])
    assert len(study.problems) == 1
    assert study.series[0].slices == 1


def test_nothing_readable() -> None:
    with pytest.raises(UnreadableFileError, match="None of the 2 files"):
        read([("a.txt", b"text"), ("b.txt", b"text")])
    with pytest.raises(UnreadableFileError, match="Nothing was uploaded"):
        read([])


def test_contradicting_headers_leave_the_other_series() -> None:
    odd = stack(noise(2, 8, 8), PixelSpacing=[0.0, 1e300], SeriesInstanceUID="1.2.3")
    for header in odd:
        header.PixelSpacing = [0.0, 1e300]
        header.ImagePositionPatient = ["1e300", "-1e300", "1e300"]
    study = read([*named(odd), ("fine.png", GOOD)])
    assert len(study.series) == 2
    assert study.series[0].spacing is None


def test_no_pickle_is_ever_opened() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableFileError, match="NumPy"):
        read([("x.png", buffer.getvalue())])
