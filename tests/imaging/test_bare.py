"""Kept files hold no text that may name somebody, and are read as what they were."""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.datadict import DicomDictionary, dictionary_VR, tag_for_keyword
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

import core.imaging
from core.errors import UnreadableFileError
from core.imaging import Study, read
from core.imaging.bare import bare, hinted_name
from core.imaging.bare.private import copy_private
from core.imaging.deidentify import Identity
from core.imaging.dicom.private_tags import siemens_csa
from core.imaging.tag_lists import IDENTIFYING, SECRET_NAMES, SECRET_VALUES, STORED
from tests.imaging.builders import nifti, noise, pet_tags, picture, stack, to_bytes

TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
FOLDER = Path(core.imaging.__file__).parent


def code(text: str) -> str:
    return "Z" + "".join(chr(65 + byte % 26) for byte in hashlib.sha256(text.encode()).digest()[:5])


def stripped(data: bytes) -> bytes:
    identity = Identity()
    if data[128:132] == b"DICM":
        identity.learn(pydicom.dcmread(io.BytesIO(data), force=True))
    return bare(data, identity, code, "P-0123456789")


def assert_same(one: Study, other: Study) -> None:
    assert len(one.series) == len(other.series)
    # sequence names that were coded may sort otherwise, and a key tells of several volumes which one it is
    pairs = [sorted(study.series, key=lambda s: s.pixels.tobytes()) for study in (one, other)]
    for a, b in zip(*pairs, strict=True):
        assert np.array_equal(a.pixels, b.pixels)
        assert (a.unit, a.modality, a.spacing, a.plane) == (b.unit, b.modality, b.spacing, b.plane)
        assert (a.window, a.value_range, a.low_is_bright) == (b.window, b.value_range, b.low_is_bright)
        assert dict(a.tags) == dict(b.tags)
        assert (a.affine is None) == (b.affine is None)
        assert a.affine is None or np.array_equal(a.affine, b.affine)  # type: ignore[arg-type]


def planted() -> tuple[Dataset, int]:
    """A slice with a name in every text attribute of the standard, at the top, in an item and in a private block."""
    (header,) = stack(noise(1, 8, 8))
    inner = Dataset()
    count = 0
    for tag, (vr, multiplicity, _, retired, keyword) in DicomDictionary.items():
        if (
            tag < 0x00080000
            or vr not in TEXTS
            or retired
            or not keyword
            or keyword in ("PhotometricInterpretation", "SpecificCharacterSet")
        ):
            continue
        count += 1
        value: object = f"Quill {count}" if vr in ("LT", "ST", "UT", "UR") else f"QUILL{count}"[:16]
        for target in (header, inner):
            setattr(target, keyword, [value] if multiplicity != "1" and vr not in ("LT", "ST", "UT", "UR") else value)
    header.RequestAttributesSequence = [inner]
    header.RadiopharmaceuticalInformationSequence = [inner]
    header.private_block(0x0099, "QUILL PRIVATE", create=True).add_new(1, "LO", "Quill")
    header.Modality = "MR"
    return header, count


def test_no_text_of_any_attribute_stays_in_a_kept_dicom_file() -> None:
    header, count = planted()
    assert count > 600
    data = b"II*\0Quill".ljust(128, b"\0") + to_bytes(header)[128:]  # a preamble may hold anything
    assert data.lower().count(b"quill") > 2 * count
    kept = stripped(data)
    assert b"quill" not in kept.lower()
    assert_same(read([("a.dcm", data)]), read([("a.dcm", kept)]))
    assert stripped(data) == kept  # the same bytes every time: kept once


def test_numbers_dates_and_uids_that_are_none_go() -> None:
    (header,) = stack(noise(1, 8, 8))
    with pydicom.config.disable_value_validation():
        header.add_new("StudyDate", "LO", "QUILL")
        header.add_new("SeriesInstanceUID", "LO", "1.2.QUILL")
        header.add_new("EchoTime", "LO", "QUILL")
        header.add_new("PatientAge", "LO", "QUILL")
    assert b"QUILL" not in stripped(to_bytes(header))


@pytest.mark.parametrize(
    "name",
    [
        *("CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "examples_palette.dcm", "JPEG2000.dcm"),
        *(
            "SC_rgb_rle.dcm",
            "MR_small_jpeg_ls_lossless.dcm",
            "SC_rgb_jpeg_dcmtk.dcm",
            "image_dfl.dcm",
            "liver_1frame.dcm",
        ),
        "SC_rgb_small_odd_big_endian.dcm",
    ],
)
def test_kept_dicom_files_are_read_as_they_were(name: str) -> None:
    path = get_testdata_file(name)
    if not isinstance(path, str):
        pytest.fail(f"pydicom has no {name}")
    data = Path(path).read_bytes()
    try:
        before = read([("a.dcm", data)])
    except UnreadableFileError:
        stripped(data)
        return
    assert_same(before, read([("a.dcm", stripped(data))]))


def test_uptake_values_and_volumes_apart_stay() -> None:
    slices = stack(noise(4, 8, 8, dtype=np.int16), sop_class="1.2.840.10008.5.1.4.1.1.128", modality="PT", **pet_tags())
    files = [(f"{k}.dcm", to_bytes(h)) for k, h in enumerate(slices)]
    study = read(files)
    assert study.series[0].unit == "SUVbw"
    assert_same(study, read([(n, stripped(d)) for n, d in files]))
    echoes = [h for echo in (1, 2) for h in stack(noise(3, 8, 8, seed=echo), EchoNumbers=echo)]
    named = [h for who in ("WILMA", "FRED") for h in stack(noise(3, 8, 8, seed=len(who)), SequenceName=f"*{who}2d1")]
    for headers in (echoes, named):
        files = [(f"{k}.dcm", to_bytes(h)) for k, h in enumerate(headers)]
        study = read(files)
        assert len(study.series) == 2
        assert_same(study, read([(n, stripped(d)) for n, d in files]))
        assert not any(b"WILMA" in stripped(d) for _, d in files)


def test_private_numbers_stay_and_their_texts_go() -> None:
    source, target = Dataset(), Dataset()
    block = source.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0E, "FD", [0.5, 0.5, 0.7071])
    block.add_new(0x08, "CS", "QUILL")
    told = {"NumberOfImagesInMosaic": (20.0,), "SliceNormalVector": (0.0, 0.6, -0.8)}
    from core.imaging.bare import private

    source.private_block(0x0029, private.CSA, create=True).add_new(0x10, "OB", private._csa(told))
    copy_private(source, target)
    assert siemens_csa(target) == told
    assert [float(v) for v in target[0x0019, 0x100E].value] == [0.5, 0.5, 0.7071]
    assert "QUILL" not in str(target)


def test_texts_in_compressed_frames_go() -> None:
    (header,) = stack(noise(1, 16, 16))
    frame = picture(noise(16, 16), "JPEG", comment=b"Quill")
    header.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    header.PixelData = encapsulate([frame])
    header["PixelData"].is_undefined_length = True
    data = to_bytes(header)
    assert b"Quill" in data
    assert b"Quill" not in stripped(data)
    assert_same(read([("a.dcm", data)]), read([("a.dcm", stripped(data))]))


def _pictures() -> dict[str, bytes]:
    grey, rgb = noise(20, 30), noise(20, 30, 3)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Quill"
    said = PngImagePlugin.PngInfo()
    said.add_text("Name", "Quill")
    said.add_itxt("Naam", "Quill")
    made = {
        "png": picture(grey, pnginfo=said, exif=exif) + b"Quill",
        "png16": picture(Image.fromarray(noise(8, 8, dtype=np.uint16)), pnginfo=said),
        "jpeg": picture(grey, "JPEG", exif=exif, comment=b"Quill") + b"Quill",
        "progressive": picture(rgb, "JPEG", progressive=True, comment=b"Quill", icc_profile=b"Quill" * 30),
        "cmyk": picture(Image.fromarray(rgb).convert("CMYK"), "JPEG", comment=b"Quill"),
        "tiff": picture(grey, "TIFF", description="Quill", compression="tiff_lzw") + b"Quill",
        "tiff jpeg": picture(rgb, "TIFF", compression="jpeg", description="Quill"),
        "tiff bits": picture(Image.fromarray(grey > 99), "TIFF", compression="group4", description="Quill"),
    }
    many: dict[str, dict[str, object]] = {
        "pages": {"data": noise(3, 9, 9), "photometric": "minisblack"},
        "big": {"data": noise(9, 9).astype(np.float32), "bigtiff": True},
        "motorola": {"data": noise(9, 9, dtype=np.uint16), "byteorder": ">"},
        "tiles": {"data": noise(64, 64, dtype=np.uint16), "tile": (32, 32)},
        "imagej": {"data": noise(9, 9, dtype=np.uint16), "imagej": True, "metadata": {"unit": "Quill"}},
    }
    for name, options in many.items():
        out = io.BytesIO()
        told = {} if name == "imagej" else {"description": "Quill", "software": "Quill"}
        tifffile.imwrite(out, **{**told, **options})  # type: ignore[arg-type]
        made[name] = out.getvalue()
    volume = bytearray(nifti(noise(5, 6, 7)))
    volume[148:153] = b"Quill"
    made["nifti"] = bytes(volume) + b"Quill"
    made["packed"] = gzip.compress(made["nifti"])
    return made


PICTURES = _pictures()


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_and_volumes_keep_their_pixels_and_nothing_they_say(kind: str) -> None:
    data = PICTURES[kind]
    kept = stripped(data)
    plain = gzip.decompress(kept) if kind == "packed" else kept
    assert b"Quill" in (gzip.decompress(data) if kind == "packed" else data)
    assert b"Quill" not in plain
    name = "a.nii" if kind in ("nifti", "packed") else "a.png"
    assert_same(read([(name, data)]), read([(name, kept)]))
    assert read([(name, kept)]).dropped_tags in ((), ("picture metadata",))


def test_what_cannot_be_written_anew_is_not_kept() -> None:
    for data in (PICTURES["png"][:60], PICTURES["jpeg"][:30], PICTURES["tiff"][:30], PICTURES["nifti"][:400], b"text"):
        with pytest.raises(UnreadableFileError, match="not kept"):
            stripped(data)


def test_names_of_kept_files_say_only_what_reading_goes_by() -> None:
    assert hinted_name(3, "Quill/Jane_PET_SUV_1951.nii.gz", PICTURES["packed"]) == "0003-pet-suv.nii.gz"
    assert hinted_name(12, "Quill/Jane_ct.png", PICTURES["png"]) == "0012.png"
    assert hinted_name(1, "masks/Jane_mask.dcm", to_bytes(stack(noise(1, 8, 8))[0])) == "0001_mask.dcm"


def test_whatever_reading_asks_for_is_kept() -> None:
    """A tag that some reader module names, and that the allow list lacks, would be lost in every archive."""
    asked = set()
    for path in FOLDER.rglob("*.py"):
        if path.name in ("tag_lists.py", "terms.py", "deidentify.py") or path.parent.name == "bare":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = (
                node.value if isinstance(node, ast.Constant) else node.attr if isinstance(node, ast.Attribute) else None
            )
            if isinstance(name, str) and name.isidentifier() and tag_for_keyword(name) and name != "Plane":
                asked.add(name)
    meta = {"PatientID", "TransferSyntaxUID", "MediaStorageSOPClassUID", "DirectoryRecordSequence"}
    assert asked - STORED - meta == set()


def test_no_identifying_tag_is_kept_but_those_that_reading_needs() -> None:
    needed = {
        keyword for keyword in STORED & set(IDENTIFYING) if dictionary_VR(keyword) not in ("DA", "TM", "DT", "UI", "DS")
    }
    assert needed <= {"TimezoneOffsetFromUTC", "ImageComments", "SourceImageSequence"}
    assert not STORED & {*SECRET_NAMES, *SECRET_VALUES}
