"""Every slice keeps its position: gaps, two distances, jitter, rounding and tilt move no mask, scale no volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from core.engine.measure import volume_ml
from core.errors import DataLayoutError
from core.imaging import Series, coronal_mip, read
from core.imaging.places import matched_slices
from core.imaging.slice_places import places_of, slice_distance
from core.imaging.study import Modality
from tests.imaging.builders import (
    AXIAL,
    CT,
    ENHANCED_MR,
    PET,
    SEG,
    dataset,
    item,
    named,
    noise,
    pet_tags,
    stack,
    to_bytes,
)

GAP = (0, 3, 6, 9, 12, 18, 21, 24, 27)
TWO = (0, 3, 6, 9, 12, 17, 22, 27, 32)
TURNED = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
PATIENT = {
    "PatientID": "", "PatientName": "", "PatientBirthDate": "", "PatientSex": "", "StudyDate": "", "StudyTime": "",
    "StudyID": "", "AccessionNumber": "", "ReferringPhysicianName": "", "SeriesNumber": 1,
    "FrameOfReferenceUID": generate_uid(entropy_srcs=["place"]),
}  # fmt: skip


def placed(
    offsets: Sequence[float],
    orientation: Sequence[float] = AXIAL,
    tilt: float = 0.0,
    thickness: float = 3.0,
    **tags: Any,
) -> list[FileDataset]:
    """A stack at offsets along the normal; a tilted gantry moves each slice along the columns, too."""
    volume = noise(len(offsets), 8, 10, dtype=np.uint16, seed=1) % 4096
    headers = stack(volume, orientation=orientation, **(PATIENT | tags))
    normal = np.cross(orientation[:3], orientation[3:])
    for header, offset in zip(headers, offsets, strict=True):
        place = np.array([-10, -20, 30]) + offset * (normal + math.tan(tilt) * np.asarray(orientation[3:]))
        header.ImagePositionPatient = [float(f"{value:.10g}") for value in place]
        header.SliceThickness = thickness
    return headers


def segmentation(source: Sequence[FileDataset], slices: Sequence[int]) -> bytes:
    """A DICOM SEG by highdicom, drawn on some of the source images."""
    mask = np.zeros((len(source), 8, 10), np.uint8)
    mask[list(slices), 2:5, 3:7] = 1
    tissue = codes.SCT.Tissue
    kind = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    segment = hd.seg.SegmentDescription(1, "lesion", tissue, tissue, kind)
    binary = hd.seg.SegmentationTypeValues.BINARY
    facts: dict[str, Any] = {"series_number": 9, "instance_number": 1, "manufacturer": "m", "software_versions": "1"}
    made = hd.seg.Segmentation(
        list(source), mask, binary, [segment], hd.UID(), sop_instance_uid=hd.UID(), manufacturer_model_name="m",
        device_serial_number="1", **facts,
    )  # fmt: skip
    return to_bytes(made)


def marked(series: Series) -> list[int]:
    assert series.truth is not None
    return np.flatnonzero(series.truth.any((1, 2))).tolist()


PLACES = {
    "gap": (GAP, AXIAL, 0.0),
    "two distances": (TWO, AXIAL, 0.0),
    "jitter": ((0, 3.1, 5.9, 9.05, 12, 14.9, 18.1, 21, 24), AXIAL, 0.0),
    "rounded": ((0, 1, 2, 4, 5, 6, 8, 9, 10), AXIAL, 0.0),
    "tilt": (tuple(range(0, 27, 3)), AXIAL, math.radians(20)),
    "tilt and gap": (GAP, AXIAL, math.radians(20)),
    "oblique and gap": (GAP, TURNED, 0.0),
    "far apart": ((0, 3, 6, 9, 12, 15, 18, 21, 400), AXIAL, 0.0),
}


@pytest.mark.parametrize("referenced", [True, False])
@pytest.mark.parametrize("kind", PLACES)
def test_a_segmentation_lies_on_the_slices_it_was_drawn_on(kind: str, referenced: bool) -> None:
    offsets, orientation, tilt = PLACES[kind]
    source = placed(offsets, orientation, tilt)
    seg = segmentation(source, [0, 6, 8])
    files = [*named(source), ("seg.dcm", seg)]
    if not referenced:  # the same images under other names, as after de-identification
        for header in source:
            header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        files = [*named(source), ("seg.dcm", seg)]
    (series,) = read(files[::-1]).series
    assert marked(series) == [0, 6, 8]
    assert series.positions is not None
    np.testing.assert_allclose(series.positions, [h.ImagePositionPatient for h in source], atol=1e-6)
    for number, header in enumerate(source):  # PS3.3 C.7.6.2.1.1, for the pixel in column 4 and row 5
        place = np.asarray(header.ImagePositionPatient, float)
        place = place + 0.75 * 4 * np.asarray(orientation[:3]) + 0.5 * 5 * np.asarray(orientation[3:])
        here = series.affine_at(number)
        assert here is not None
        np.testing.assert_allclose((here @ [4, 5, 0, 1])[:3], place, atol=1e-6)
        if not series.uneven:
            assert series.affine is not None
            np.testing.assert_allclose((series.affine @ [4, 5, number, 1])[:3], place, atol=0.6)


@pytest.mark.parametrize("kind", PLACES)
def test_a_volume_is_right_or_there_is_none(kind: str) -> None:
    offsets, orientation, tilt = PLACES[kind]
    thickness = 1.25 if kind == "rounded" else 3.0
    (series,) = read(named(placed(offsets, orientation, tilt, thickness))).series
    size = volume_ml(np.ones(series.pixels.shape, bool), series)
    if kind in ("jitter", "rounded", "tilt"):
        assert series.uneven == ""
        assert size.unit == "ml"
        assert size.value == pytest.approx(9 * thickness * 80 * 0.5 * 0.75 / 1000, rel=0.01)
    else:
        assert size.unit == "pixels"
        assert series.uneven in size.text
        assert any(series.uneven in note for note in series.notes)


@pytest.mark.parametrize("down", [False, True])
def test_positions_written_coarser_than_the_slice_distance(down: bool) -> None:
    offsets = [float(round(0.625 * place)) for place in range(16)]  # two slices at many a millimetre
    headers = placed(offsets, thickness=0.625)
    for place, header in enumerate(headers):
        header.InstanceNumber = 16 - place if down else 1 + place
    (series,) = read(named(headers[::-1])).series
    np.testing.assert_array_equal(series.pixels, [header.pixel_array for header in headers])
    assert series.uneven == ""
    assert volume_ml(np.ones(series.pixels.shape, bool), series).value == pytest.approx(0.625 * 16 * 30 / 1000)


def test_notes_say_what_is_missing() -> None:
    def note(offsets: Sequence[float]) -> str:
        return read(named(placed(offsets))).series[0].uneven

    assert note(GAP) == "1 slice is missing at a distance of 3.00 mm"
    assert note((0, 3, 12, 15, 18, 24)) == "3 slices are missing at a distance of 3.00 mm"
    assert note(TWO) == "the slice distance varies from 3.00 to 5.00 mm"
    headers = placed(GAP)
    for header in headers:
        del header.ImagePositionPatient
    assert read(named(headers)).series[0].uneven == "slice positions are missing"


def test_a_mask_of_one_volume_does_not_reach_the_others_of_its_series() -> None:
    first, second = placed(GAP, EchoNumbers=1), placed(GAP, EchoNumbers=2)
    study = read([*named(first, "a/"), *named(second, "b/"), ("seg.dcm", segmentation(second, [3]))])
    assert [series.told_apart for series in study.series] == [("echo 1",), ("echo 2",)]
    assert study.series[0].truth is None
    assert marked(study.series[1]) == [3]


def test_a_mask_of_another_frame_of_reference_lies_on_nothing() -> None:
    source = placed(GAP)
    seg = segmentation(source, [3])
    for header in source:
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        header.FrameOfReferenceUID = "1.2.3.4"
    assert read([*named(source), ("seg.dcm", seg)]).series[0].truth is None


def test_a_mask_between_two_slices_lies_on_neither() -> None:
    source = placed((0, 3, 6, 9))
    seg = segmentation(placed((1.5,)), [0])
    assert read([*named(source), ("seg.dcm", seg)]).series[0].truth is None


def test_a_mask_on_frames_of_an_enhanced_file_goes_by_frame_number() -> None:
    order = [4, 0, 6, 2, 1, 3, 5]
    offsets = (0, 3, 6, 9, 15, 18, 21)
    source = dataset(noise(7, 8, 10, dtype=np.uint16), ENHANCED_MR, **PATIENT, ImageType=["ORIGINAL", "PRIMARY", "M"])
    measures = item(PixelSpacing=[0.5, 0.75], SliceThickness=3.0)
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))], PixelMeasuresSequence=[measures]
    )
    source.SharedFunctionalGroupsSequence = [shared]
    source.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=[0.0, 0.0, float(offsets[place])])]) for place in order
    ]
    mask = np.zeros((2, 8, 10), np.uint8)
    mask[:, 1:3, 1:3] = 1
    seg = dataset(mask, SEG, "SEG", SeriesInstanceUID=generate_uid())
    seg.SharedFunctionalGroupsSequence = [shared]
    seg.PerFrameFunctionalGroupsSequence = [
        item(
            DerivationImageSequence=[
                item(
                    SourceImageSequence=[
                        item(
                            ReferencedSOPClassUID=ENHANCED_MR,
                            ReferencedSOPInstanceUID=source.SOPInstanceUID,
                            ReferencedFrameNumber=frame,
                        )
                    ]
                )
            ]
        )
        for frame in (1, 3)  # of the file: places 4 and 6 along the normal; they carry no position of their own
    ]
    (series,) = read([*named([source]), ("seg.dcm", to_bytes(seg))]).series
    assert marked(series) == [4, 6]
    assert series.uneven == "1 slice is missing at a distance of 3.00 mm"


def test_pairs_meet_at_the_same_place_across_a_gap_and_a_tilt() -> None:
    mr = read(named(placed(GAP, SeriesInstanceUID="1.2.1"))).series[0]
    even = tuple(range(0, 30, 3))
    pet = read(named(placed(even, SeriesInstanceUID="1.2.2"))).series[0]
    assert matched_slices(pet, mr) == [(k, k if k < 5 else k - 1) for k in range(10) if k != 5]
    tilted = read(named(placed(even, tilt=math.radians(20)))).series[0]
    assert matched_slices(pet, tilted) == [(k, k) for k in range(10)]


def test_a_pet_with_a_gap_has_no_projection() -> None:
    offsets = [4.0 * place for place in range(21) if place != 9]
    headers = placed(offsets, thickness=4.0, sop_class=PET, modality="PT", **pet_tags())
    study = read(named(headers))
    assert [series.projection for series in study.series] == ["slice"]
    assert any("projection" in note for note in study.series[0].notes)
    with pytest.raises(DataLayoutError, match="1 slice is missing"):
        coronal_mip(study.series[0])


def test_a_computed_tomography_keeps_float64_positions() -> None:
    offsets = [1234.567 + 0.625 * place for place in range(30)]
    headers = placed(offsets, thickness=0.625, sop_class=CT, modality="CT", RescaleSlope=1, RescaleIntercept=-1024)
    (series,) = read(named(headers)).series
    assert series.positions is not None
    assert series.positions.dtype == np.float64
    np.testing.assert_array_equal(series.positions[:, 2], [float(h.ImagePositionPatient[2]) for h in headers])
    assert series.spacing is not None
    assert series.spacing[0] == pytest.approx(0.625, abs=1e-9)


def test_a_series_made_of_an_affine_has_positions() -> None:
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = 1, 2, 3
    series = Series("k", "d", np.zeros((3, 4, 4), np.float32), modality=Modality.MR, affine=affine)
    assert series.positions is not None
    np.testing.assert_array_equal(series.positions, [[1, 2, 3], [1, 2, 7], [1, 2, 11]])
    with pytest.raises(ValueError, match="from the affine"):
        Series("k", "d", series.pixels, affine=affine, positions=series.positions + 1)


@pytest.mark.parametrize(
    ("offsets", "thickness", "expected"),
    [
        ([0, 3, 6], 3.0, [0, 1, 2]),
        ([6, 0, 3, 0], 3.0, [2, 0, 1, 0]),
        ([0, 0.02, 3, 3.02, 6, 6.02], 3.0, [0, 0, 1, 1, 2, 2]),
        ([0, 0.2, 3, 3.2], 3.0, [0, 0, 1, 1]),
        ([0, 0.1, 0.2, 0.3], 0.1, [0, 1, 2, 3]),
        ([0, 0.2, 0.4, 0.6, 40.0, 40.2], 2.0, [0, 1, 2, 3, 4, 5]),  # thick slices close together, then a jump
        ([0, 0.1], None, [0, 1]),
        ([5.0, 5.004], None, [0, 0]),
    ],
)
def test_places(offsets: list[float], thickness: float | None, expected: list[int]) -> None:
    assert places_of(np.array(offsets), thickness).tolist() == expected


@pytest.mark.parametrize(
    ("offsets", "declared", "millimetres", "even"),
    [
        ([0, 3, 6, 9], 3.0, 3.0, True),
        ([0, 3.2, 5.9, 9.1, 12], 3.0, 3.0, True),
        ([0, 0.6, 1.2, 1.9, 2.5, 3.1, 3.8], 0.625, 0.63, True),  # 0.625 mm written to a tenth
        ([0, 1, 2, 4, 5, 6, 8], 1.25, 1.25, True),  # 1.25 mm written to whole millimetres
        ([0, 1, 2, 4, 5, 6, 8], 1.0, 1.0, False),
        ([0, 1, 1, 2, 2, 3, 4, 4], 0.6, 0.6, True),
        ([0, 0, 3, 3, 6, 6], 1.5, 3.0, False),  # two images at every place
        ([0, 1, 3], 1.0, 1.0, False),
        ([0, 3, 6, 12], 3.0, 3.0, False),
        ([0, 3, 6, 10, 14], 3.0, 3.0, False),
        ([0, 3, 3, 6], 3.0, 3.0, False),
    ],
)
def test_distances(offsets: list[float], declared: float, millimetres: float, even: bool) -> None:
    distance = slice_distance(np.array(offsets, float), declared)
    assert distance is not None
    assert distance.millimetres == pytest.approx(millimetres, abs=0.01)
    assert (distance.uneven == "") is even
