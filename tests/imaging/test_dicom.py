"""DICOM: units, sorting, geometry, multi-frame, colour, masks."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_modality_lut
from pydicom.uid import generate_uid

from core.errors import UnreadableFileError
from core.imaging import Modality, Plane, SourceKind, Unit, read
from tests.imaging.builders import (
    AXIAL,
    CT,
    ENHANCED_MR,
    SEG,
    dataset,
    item,
    named,
    noise,
    stack,
    to_bytes,
)

VOLUME = noise(6, 8, 10, dtype=np.uint16, seed=1) % 4096


def shuffled(headers: list, seed: int = 3) -> list:
    return [headers[index] for index in np.random.default_rng(seed).permutation(len(headers))]


def test_ct_in_hounsfield_with_its_own_rescale_per_slice() -> None:
    headers = stack(VOLUME, sop_class=CT, modality="CT", RescaleSlope=1.0, RescaleIntercept=-1024.0)
    headers[2].RescaleSlope, headers[2].RescaleIntercept = 0.5, -1000.0
    for header in headers:
        header.WindowCenter, header.WindowWidth = [40.0, -600.0], [400.0, 1200.0]
        header.BodyPartExamined = "CHEST"
    series = read(named(shuffled(headers))).series[0]
    assert series.unit is Unit.HU
    assert series.modality is Modality.CT
    assert series.body_part == "CHEST"
    assert series.window is not None
    assert (series.window.centre, series.window.width) == (40.0, 400.0)
    expected = np.stack([apply_modality_lut(plane, header) for plane, header in zip(VOLUME, headers, strict=True)])
    np.testing.assert_allclose(series.pixels, expected, atol=1e-3)


def test_ct_without_rescale_is_not_called_hounsfield() -> None:
    series = read(named(stack(VOLUME, sop_class=CT, modality="CT"))).series[0]
    assert series.unit is Unit.ARBITRARY
    assert any("not in HU" in note for note in series.notes)


@pytest.mark.parametrize("tilt", [0.0, 20.0, 35.0])
def test_sorted_by_position_and_affine(tilt: float) -> None:
    angle = np.deg2rad(tilt)
    orientation = (1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(np.sin(angle)))
    headers = stack(VOLUME, orientation=orientation)
    for number, header in enumerate(headers):
        header.InstanceNumber = 100 - 7 * number  # against the positions
    series = read(named(shuffled(headers))).series[0]
    np.testing.assert_array_equal(series.pixels, VOLUME.astype(np.float32))
    assert series.spacing == pytest.approx((3.0, 0.5, 0.75))
    assert series.plane is Plane.AXIAL
    # independent: equation C.7.6.2.1-1 of PS3.3 for the pixel in column 4, row 5 of slice 2
    header = headers[2]
    place = np.asarray(header.ImagePositionPatient, dtype=float)
    place = place + 0.75 * 4 * np.asarray(orientation[:3]) + 0.5 * 5 * np.asarray(orientation[3:])
    assert series.affine is not None
    np.testing.assert_allclose((series.affine @ [4, 5, 2, 1])[:3], place, atol=1e-5)
    assert series.notes == ()


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [(AXIAL, Plane.AXIAL), ((1, 0, 0, 0, 0, -1), Plane.CORONAL), ((0, 1, 0, 0, 0, -1), Plane.SAGITTAL)],
)
def test_planes(orientation: tuple[float, ...], plane: Plane) -> None:
    assert read(named(stack(VOLUME, orientation=orientation))).series[0].plane is plane


def test_series_are_told_apart_by_uid_size_and_orientation() -> None:
    other = stack(VOLUME[:2], orientation=(1, 0, 0, 0, 0, -1))
    small = stack(VOLUME[:3, :4])
    second = stack(VOLUME[:5], SeriesInstanceUID=generate_uid())
    study = read(named([*stack(VOLUME), *other, *small, *second]))
    assert [series.slices for series in study.series] == [6, 5, 2, 3]  # the largest first
    assert study.source is SourceKind.DICOM
    assert len({series.key for series in study.series}) == 4


def test_time_points_at_the_same_positions_become_series() -> None:
    early = stack(VOLUME, TemporalPositionIdentifier=1)
    late = stack(VOLUME + 1, TemporalPositionIdentifier=2)
    study = read(named(shuffled([*early, *late])))
    assert [series.slices for series in study.series] == [6, 6]
    assert study.series[0].pixels[0, 0, 0] + 1 == study.series[1].pixels[0, 0, 0]
    assert [series.told_apart for series in study.series] == [("time point 1",), ("time point 2",)]
    assert "time point 1" in study.series[0].description


def test_gaps_and_repeats_are_noted() -> None:
    headers = stack(VOLUME)
    gap = read(named([header for number, header in enumerate(headers) if number != 3])).series[0]
    assert any("1 slice is missing" in note for note in gap.notes)
    assert gap.spacing is not None
    assert gap.spacing[0] == pytest.approx(3.0)
    repeat = read(named([*headers, headers[1]])).series[0]
    assert repeat.slices == 6
    assert "1 image is a copy of another and counts once." in repeat.notes


def test_without_positions_sorted_by_instance_number() -> None:
    headers = stack(VOLUME)
    for header in headers:
        del header.ImagePositionPatient
    series = read(named(shuffled(headers))).series[0]
    np.testing.assert_array_equal(series.pixels, VOLUME.astype(np.float32))
    assert any("instance number" in note for note in series.notes)
    assert series.affine is None


def test_low_is_bright_keeps_stored_values() -> None:
    series = read(named(stack(VOLUME, PhotometricInterpretation="MONOCHROME1"))).series[0]
    assert series.low_is_bright
    np.testing.assert_array_equal(series.pixels, VOLUME.astype(np.float32))


def enhanced() -> list[tuple[str, bytes]]:
    order = [4, 0, 5, 2, 1, 3]
    header = dataset(VOLUME[order], ENHANCED_MR)
    header.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
            PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.75], SliceThickness=2.0)],
        )
    ]
    header.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0.0, 0.0, 2.5 * number])],
            PixelValueTransformationSequence=[item(RescaleSlope=float(number + 1), RescaleIntercept=1.0)],
            FrameVOILUTSequence=[item(WindowCenter=100.0, WindowWidth=200.0)],
        )
        for number in order
    ]
    return named([header])


def test_enhanced_multi_frame() -> None:
    series = read(enhanced()).series[0]
    expected = VOLUME * np.arange(1, 7)[:, None, None] + 1.0
    np.testing.assert_allclose(series.pixels, expected)
    assert series.spacing == pytest.approx((2.5, 0.5, 0.75))
    assert series.window is not None
    assert series.window.width == 200.0


def test_classic_multi_frame_keeps_its_order() -> None:
    series = read(named([dataset(VOLUME, InstanceNumber=1)])).series[0]
    np.testing.assert_array_equal(series.pixels, VOLUME.astype(np.float32))


def test_colour_becomes_luminance() -> None:
    rgb = noise(8, 10, 3, seed=5)
    header = dataset(rgb[..., 0], modality="OT", SamplesPerPixel=3, PhotometricInterpretation="RGB")
    header.PlanarConfiguration = 0
    header.PixelData = rgb.tobytes()
    series = read(named([header])).series[0]
    assert series.colour
    assert series.value_range == (0.0, 255.0)
    np.testing.assert_allclose(series.pixels[0], rgb @ np.array([0.299, 0.587, 0.114]), atol=1e-3)


def test_segmentation_object_becomes_truth_by_position() -> None:
    mask = np.zeros((2, 8, 10), dtype=np.uint8)
    mask[0, 2:4, 3:5] = 1
    mask[1, 5, 5] = 1
    seg = dataset(mask, SEG, "SEG", SeriesInstanceUID=generate_uid())
    seg.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
            PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.75], SliceThickness=3.0)],
        )
    ]
    seg.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=[-10.0, -20.0, 30.0 + 3.0 * number])])
        for number in (4, 1)  # frames without tumour are left out
    ]
    study = read(named([*stack(VOLUME), seg]))
    assert len(study.series) == 1
    truth = study.series[0].truth
    assert truth is not None
    np.testing.assert_array_equal(truth[4], mask[0].astype(bool))
    np.testing.assert_array_equal(truth[1], mask[1].astype(bool))
    assert truth.sum() == mask.sum()


def test_segmentation_of_another_grid_stays_a_series() -> None:
    seg = stack(np.ones((2, 8, 10), np.uint8), origin=(50.0, 0.0, 0.0), SeriesDescription="Tumour ROI")
    for header in seg:
        header.SeriesInstanceUID = "1.2.3.4"
    study = read(named([*seg, *stack(VOLUME)]))
    assert [series.truth for series in study.series] == [None, None]
    assert "ROI" in study.series[1].description


SYNTAX_FILES = {
    "JPEG lossless": "SC_rgb_jpeg_gdcm.dcm",
    "JPEG of 12 bits": "JPGExtended.dcm",
    "JPEG baseline": "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG 2000 lossless": "MR_small_jp2klossless.dcm",
    "JPEG 2000": "JPEG2000.dcm",
    "JPEG-LS lossless": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG-LS near lossless": "JPEGLSNearLossless_16.dcm",
    "RLE": "MR_small_RLE.dcm",
    "deflated": "image_dfl.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "implicit": "MR_small_implicit.dcm",
}


def shipped(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("name", SYNTAX_FILES.values(), ids=SYNTAX_FILES.keys())
def test_transfer_syntaxes(name: str) -> None:
    series = read([(name, shipped(name))]).series[0]
    reference = pydicom.dcmread(io.BytesIO(shipped(name))).pixel_array.astype(float)
    if reference.ndim == 3:
        reference = reference @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(series.pixels[0], reference, atol=1e-2)


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_lossless_syntaxes_give_the_uncompressed_pixels(name: str) -> None:
    plain = read([("plain", shipped("MR_small.dcm"))]).series[0]
    packed = read([("packed", shipped(name))]).series[0]
    np.testing.assert_array_equal(packed.pixels, plain.pixels)
    assert packed.key == plain.key


def test_palette_colour() -> None:
    series = read([("x", shipped("examples_palette.dcm"))]).series[0]
    assert series.colour
    assert series.value_range == (0.0, 255.0)
    assert 0 <= series.pixels.min() < series.pixels.max() <= 255


def test_without_preamble() -> None:
    header = stack(VOLUME)[0]
    bare = to_bytes(header)[132:]
    np.testing.assert_array_equal(read([("x", bare)]).series[0].pixels[0], VOLUME[0].astype(np.float32))


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("rtstruct.dcm", "RT Structure Set"),
        ("test-SR.dcm", "SR"),
        ("waveform_ecg.dcm", "Waveform"),
        ("MR_truncated.dcm", "truncated"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, word: str) -> None:
    with pytest.raises(UnreadableFileError, match=word):
        read([(name, shipped(name))])
    study = read([(name, shipped(name)), *named(stack(VOLUME))])
    assert word in study.problems[0].reason
    assert study.problems[0].name == name


def test_two_patients_in_one_upload_are_pointed_out() -> None:
    first, second = stack(VOLUME[:2], PatientID="A77001"), stack(VOLUME[2:4], PatientID="B77002")
    problems = read(named([*first, *second])).problems
    assert [problem.reason for problem in problems] == ["The files belong to 2 patients."]
