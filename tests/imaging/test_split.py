"""A DICOM series is split where its images are no one volume, and nowhere else."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset

from core.imaging import Study, Unit, read
from core.imaging.dicom.private_tags import b_value, direction
from tests.imaging.builders import CT, PET, dataset, named, noise, pet_tags, stack

VOLUME = noise(6, 8, 10, dtype=np.uint16, seed=1) % 4096
HU = {"sop_class": CT, "modality": "CT", "RescaleSlope": 1.0, "RescaleIntercept": -1024.0}


def several(parts: Sequence[dict[str, Any]], numbers: str = "by volume", **common: Any) -> list[FileDataset]:
    """One stack for every set of tags, with other pixels each; instance numbers run through the volumes or places."""
    headers = []
    for part, tags in enumerate(parts):
        for place, header in enumerate(stack(VOLUME + 7 * part, **(common | tags))):
            by_volume = numbers == "by volume"
            header.InstanceNumber = 1 + (part * 6 + place if by_volume else place * len(parts) + part)
            headers.append(header)
    return headers


def shuffled(headers: Sequence[FileDataset], seed: int = 3) -> list[FileDataset]:
    return [headers[index] for index in np.random.default_rng(seed).permutation(len(headers))]


def opened(headers: Sequence[FileDataset]) -> Study:
    return read(named(shuffled(list(headers))))


def pixels_of(study: Study) -> set[bytes]:
    return {series.pixels.tobytes() for series in study.series}


def stored(parts: int) -> set[bytes]:
    return {(VOLUME + 7 * part).astype(np.float32).tobytes() for part in range(parts)}


KINDS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, ...]]]] = {
    "echo": ([{"EchoNumbers": 1}, {"EchoNumbers": 2}], [("echo 1",), ("echo 2",)]),
    "echo time": ([{"EchoTime": 4.6}, {"EchoTime": 92}], [("TE 4.6 ms",), ("TE 92 ms",)]),
    "repetition time": ([{"RepetitionTime": 500}, {"RepetitionTime": 4000}], [("TR 500 ms",), ("TR 4000 ms",)]),
    "echo time, nearly the same": ([{"EchoTime": 10.0}, {"EchoTime": 10.1}], [("TE 10 ms",), ("TE 10.1 ms",)]),
    "repetition time, nearly the same": (
        [{"RepetitionTime": 500}, {"RepetitionTime": 560}],
        [("TR 500 ms",), ("TR 560 ms",)],
    ),
    "patient": ([{"PatientID": p, "SeriesInstanceUID": ""} for p in "AB"], [("patient 1 of 2",), ("patient 2 of 2",)]),
    "study": ([{"StudyInstanceUID": f"1.2.{s}"} for s in (1, 2)], [("study 1 of 2",), ("study 2 of 2",)]),
    "b-value": ([{"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}], [("b=0",), ("b=1000",)]),
    "magnitude and phase": (
        [{"ImageType": ["ORIGINAL", "PRIMARY", part]} for part in "MP"],
        [("magnitude",), ("phase",)],
    ),
    "complex component": (
        [{"ComplexImageComponent": part} for part in ("REAL", "IMAGINARY")],
        [("imaginary",), ("real",)],
    ),
    "time point": ([{"TemporalPositionIdentifier": t} for t in (1, 2, 10)],
                   [("time point 1",), ("time point 2",), ("time point 10",)]),
    "gate": ([{"TriggerTime": 0.0, "LowRRValue": low} for low in (0, 300)], [("RR from 0 ms",), ("RR from 300 ms",)]),
    "trigger": ([{"TriggerTime": t} for t in (12.5, 40.0)], [("trigger 12.5 ms",), ("trigger 40 ms",)]),
    "acquisition": ([{"AcquisitionNumber": a} for a in (1, 2)], [("acquisition 1",), ("acquisition 2",)]),
    "contrast agent": ([{}, {"ContrastBolusAgent": "Gd"}], [("without contrast agent",), ("with contrast agent",)]),
    "series number": ([{"SeriesNumber": n, "SeriesInstanceUID": ""} for n in (4, 5)], [("series 4",), ("series 5",)]),
    "description": ([{"SeriesDescription": n, "SeriesInstanceUID": ""} for n in ("T1", "T2")], [("T1",), ("T2",)]),
    "water and fat": (
        [{"ImageType": ["DERIVED", "PRIMARY", "M", part]} for part in ("FAT", "WATER")],
        [("FAT",), ("WATER",)],
    ),
    "inversion time": ([{"InversionTime": t} for t in (100, 2500)], [("TI 100 ms",), ("TI 2500 ms",)]),
    "flip angle": ([{"FlipAngle": t} for t in (5, 15)], [("flip angle 5°",), ("flip angle 15°",)]),
    "kernel": ([HU | {"ConvolutionKernel": k} for k in ("B30f", "B70f")], [("B30f",), ("B70f",)]),
    "tube voltage": ([HU | {"KVP": k} for k in (80, 140)], [("tube voltage 80 kV",), ("tube voltage 140 kV",)]),
}  # fmt: skip


@pytest.mark.parametrize("numbers", ["by volume", "by place"])
@pytest.mark.parametrize("kind", KINDS)
def test_images_of_one_place_that_differ_become_volumes(kind: str, numbers: str) -> None:
    parts, words = KINDS[kind]
    study = opened(several(parts, numbers))
    assert [series.slices for series in study.series] == [6] * len(parts)
    assert [series.told_apart for series in study.series] == words
    assert all(series.told_apart[0] in series.description for series in study.series)
    assert len({series.key for series in study.series}) == len(parts)
    assert {series.spacing for series in study.series} == {(3.0, 0.5, 0.75)}
    if study.series[0].unit is not Unit.HU:
        assert pixels_of(study) == stored(len(parts))


def test_two_echoes_that_do_not_share_a_place_are_no_volume_either() -> None:
    headers = stack(VOLUME)
    for place, header in enumerate(headers):
        header.EchoTime = 10.0 if place < 3 else 90.0
    assert [series.slices for series in opened(headers).series] == [3, 3]


def test_two_tags_are_combined_where_one_does_not_do() -> None:
    directions = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    weighted = [{"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": list(d)} for d in directions]
    study = opened(several([{"DiffusionBValue": 0.0}, *weighted]))
    assert pixels_of(study) == stored(4)
    assert [series.told_apart for series in study.series] == [
        ("b=0",),
        ("b=1000", "direction 0 0 1"),
        ("b=1000", "direction 0 1 0"),
        ("b=1000", "direction 1 0 0"),
    ]
    timed = [{"TemporalPositionIdentifier": t, "FlipAngle": angle} for t in (1, 2) for angle in (5, 20)]
    study = opened(several(timed))
    assert pixels_of(study) == stored(4)
    assert {len(series.told_apart) for series in study.series} == {2}


def private(header: Dataset, group: int, creator: str, element: int, vr: str, value: Any) -> None:
    header.private_block(group, creator, create=True).add_new(element, vr, value)


def siemens(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    private(header, 0x0019, "SIEMENS MR HEADER", 0x0C, "IS", b)
    if along:
        private(header, 0x0019, "SIEMENS MR HEADER", 0x0E, "FD", list(along))


def siemens_of_unknown_type(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    private(header, 0x0019, "SIEMENS MR HEADER", 0x0C, "UN", str(b).encode())
    if along:
        private(header, 0x0019, "SIEMENS MR HEADER", 0x0E, "UN", struct.pack("<3d", *along))


def ge(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    private(header, 0x0043, "GEMS_PARM_01", 0x39, "IS", [1_000_000_000 + b, 8, 0, 0])
    for element, part in zip((0xBB, 0xBC, 0xBD), along or (0.0, 0.0, 0.0), strict=True):
        private(header, 0x0019, "GEMS_ACQU_01", element, "DS", part)


def philips(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    private(header, 0x2001, "Philips Imaging DD 001", 0x03, "FL", float(b))
    for element, part in zip((0xB0, 0xB1, 0xB2), along or (0.0, 0.0, 0.0), strict=True):
        private(header, 0x2005, "Philips MR Imaging DD 001", element, "FL", part)


def united_imaging(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    private(header, 0x0065, "Image Private Header", 0x09, "FD", float(b))
    if along:
        private(header, 0x0065, "Image Private Header", 0x37, "FD", list(along))


def canon(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    header.ImageComments = f"b={b}" + ("({:.3f},{:.3f},{:.3f})".format(*along) if along else "")


def by_sequence_name(header: Dataset, b: int, along: Sequence[float] | None) -> None:
    header.SequenceName = f"*ep_b{b}" + (f"#{[1.0, 2.0].index(along[0] + 2 * along[1]) + 1}" if along else "")


MAKERS = [siemens, siemens_of_unknown_type, ge, philips, united_imaging, canon, by_sequence_name]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_diffusion_by_private_tags(maker: Callable[[Dataset, int, Sequence[float] | None], None]) -> None:
    weighting = [(0, None), (1000, (1.0, 0.0, 0.0)), (1000, (0.0, 1.0, 0.0))]
    headers = several([{}, {}, {}], "by place")
    for number, header in enumerate(headers):
        maker(header, *weighting[number // 6])
    study = opened(headers)
    assert pixels_of(study) == stored(3)
    assert [series.told_apart[0] for series in study.series] == ["b=0", "b=1000", "b=1000"]
    assert b_value(headers[7]) == 1000.0
    assert direction(headers[7]) in ("1 0 0", "#1")


@pytest.mark.parametrize("name", ["*tfl3d1", "b1map", "fl2d1_b", "epfid2d1_64", ""])
def test_sequence_names_without_a_b_value(name: str) -> None:
    header = Dataset()
    header.SequenceName = name
    assert b_value(header) is None


CHANGING: dict[str, Callable[[int], dict[str, Any]]] = {
    "acquisition time": lambda k: {"AcquisitionTime": f"1000{k:02}.5", "ContentTime": f"1001{k:02}"},
    "trigger time": lambda k: {"TriggerTime": 11.0 * k},
    "repetition time of a gated scan": lambda k: {"RepetitionTime": 800 + 25 * (k % 3)},
    "echo time": lambda k: {"EchoTime": 5.0 + 3 * k},
    "echo time with noise": lambda k: {"EchoTime": 2.3 + 0.004 * (k % 2)},
    "acquisition of a shot": lambda k: {"AcquisitionNumber": 1 + k // 2},
    "interleaved acquisitions": lambda k: {"AcquisitionNumber": 1 + k % 2},
    "reference time of a bed": lambda k: {"FrameReferenceTime": 1000.0 * (k // 3)},
    "pixel spacing by 1e-6": lambda k: {"PixelSpacing": [0.5 + 1e-6 * k, 0.75 - 1e-6 * k]},
    "orientation by 1e-6": lambda k: {"ImageOrientationPatient": [1, 1e-6 * k, 0, 0, 1, -1e-6 * k]},
    "window": lambda k: {"WindowCenter": 100 + k, "WindowWidth": 200 + k},
    "rescale": lambda k: {"RescaleSlope": 1.0 + k, "RescaleIntercept": 0.0},
    "series number": lambda k: {"SeriesNumber": k},
    "frame of reference": lambda k: {"FrameOfReferenceUID": f"1.2.3.{k}"},
    "study": lambda k: {"StudyInstanceUID": f"1.2.3.{k}", "PatientID": f"P{k}"},
    "image type": lambda k: {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", f"SLICE{k}"]},
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGING)
def test_what_differs_on_every_slice_tells_nothing_apart(kind: str) -> None:
    headers = stack(VOLUME)
    for place, header in enumerate(headers):
        for keyword, value in CHANGING[kind](place).items():
            setattr(header, keyword, value)
    study = opened(headers)
    assert [(series.slices, series.told_apart, series.uneven) for series in study.series] == [(6, (), "")]


def again(place: int, count: int, **tags: Any) -> list[FileDataset]:
    """A place taken once more, with other pixels, before the series proper."""
    made = []
    for number in range(count):
        header = stack(np.roll(VOLUME, 1 + number, axis=2))[place]
        header.InstanceNumber, header.AcquisitionTime = number - 20, f"0900{number:02}"
        for keyword, value in tags.items():
            setattr(header, keyword, value)
        made.append(header)
    return made


@pytest.mark.parametrize("tags", [{}, {"AcquisitionNumber": 9}])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_repeats_of_one_place_leave_the_series_whole(count: int, tags: dict[str, Any]) -> None:
    headers = stack(VOLUME)
    for place, header in enumerate(headers):
        header.AcquisitionTime, header.AcquisitionNumber = f"1000{place:02}", 1
    study = opened([*headers, *again(3, count, **tags)])
    assert [series.slices for series in study.series] == [6, count]
    np.testing.assert_array_equal(study.series[0].pixels, VOLUME.astype(np.float32))
    assert study.series[0].uneven == ""
    assert bool(study.series[1].uneven) is (count > 1)


def test_a_repeat_with_the_same_pixels_is_a_copy() -> None:
    headers = stack(VOLUME)
    for place, header in enumerate(headers):
        header.AcquisitionTime = f"1000{place:02}"
    sent_again = stack(VOLUME)[2]
    sent_again.InstanceNumber, sent_again.AcquisitionTime = 77, "110000"
    (series,) = opened([*headers, sent_again]).series
    np.testing.assert_array_equal(series.pixels, VOLUME.astype(np.float32))
    assert "1 image is a copy of another and counts once." in series.notes


def test_every_file_twice() -> None:
    headers = several([{"EchoNumbers": 1}, {"EchoNumbers": 2}])
    study = read([*named(headers, "a/"), *named(headers, "b/")])
    assert pixels_of(study) == stored(2)
    assert study.series[0].notes[0] == "12 images are copies of others and count once."


def test_images_with_equal_pixels_and_uids_are_no_copies_where_tags_differ() -> None:
    headers = []
    for echo in (1, 2):
        for header in stack(VOLUME, EchoNumbers=echo, SOPInstanceUID="1.2.3"):
            header.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
            headers.append(header)
    study = opened(headers)
    assert [series.slices for series in study.series] == [6, 6]
    assert study.series[0].key != study.series[1].key


@pytest.mark.parametrize(
    ("tags", "by"),
    [
        (lambda part, place: {}, "InstanceNumber"),
        (lambda part, place: {"TriggerTime": 40.0 * part + 0.3 * place}, "TriggerTime"),
        (lambda part, place: {"AcquisitionTime": f"10{part:02}{place:02}"}, "AcquisitionTime"),
    ],
)
def test_volumes_told_apart_by_order_only_say_so(tags: Callable[[int, int], dict[str, Any]], by: str) -> None:
    headers = several([{}, {}, {}])
    for number, header in enumerate(headers):
        for keyword, value in tags(number // 6, number % 6).items():
            setattr(header, keyword, value)
    study = opened(headers)
    assert pixels_of(study) == stored(3)
    assert [series.told_apart for series in study.series] == [(f"time point {n}",) for n in (1, 2, 3)]
    assert all(any(by in note for note in series.notes) for series in study.series)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_last_time_point_that_was_broken_off(tagged: bool) -> None:
    headers = several([{"TemporalPositionIdentifier": t} if tagged else {} for t in (1, 2, 3)])[:-2]
    study = opened(headers)
    assert [series.slices for series in study.series] == [6, 6, 4]
    np.testing.assert_array_equal(study.series[2].pixels, (VOLUME[:4] + 14).astype(np.float32))


def test_shots_of_several_volumes_are_put_together() -> None:
    headers = several([{}, {}])
    for number, header in enumerate(headers):
        header.AcquisitionNumber = 1 + number // 2
    assert pixels_of(opened(headers)) == stored(2)


def test_one_place_in_time_stays_one_stack_that_is_no_volume() -> None:
    headers = [stack(VOLUME[:1] + phase, TriggerTime=30.0 * phase)[0] for phase in range(9)]
    for phase, header in enumerate(headers):
        header.InstanceNumber = 100 - phase
    (series,) = opened(headers).series
    assert [int(plane[0, 0] - VOLUME[0, 0, 0]) for plane in series.pixels] == list(range(9))  # by time, not by number
    assert series.uneven == "all 9 images lie at one place"


@pytest.mark.parametrize("jitter", [0.02, 0.08])
@pytest.mark.parametrize("tagged", [True, False])
def test_time_points_with_jittered_positions(jitter: float, tagged: bool) -> None:
    rng = np.random.default_rng(0)
    headers = several([{"TemporalPositionIdentifier": t} if tagged else {} for t in (1, 2, 3)])
    for header in headers:
        x, y, z = header.ImagePositionPatient
        header.ImagePositionPatient = [x, y, round(float(z) + rng.uniform(-jitter, jitter), 4)]
    study = opened(headers)
    assert pixels_of(study) == stored(3)
    for series in study.series:
        assert series.uneven == ""
        assert series.spacing is not None
        assert series.spacing[0] == pytest.approx(3.0, abs=jitter)


def test_acquisitions_woven_into_one_another() -> None:
    first, second = stack(VOLUME, AcquisitionNumber=1), stack(VOLUME + 7, AcquisitionNumber=2, origin=(-10, -20, 31))
    assert pixels_of(opened([*first, *second])) == stored(2)
    halfway = stack(VOLUME + 7, AcquisitionNumber=2, origin=(-10, -20, 31.5))  # slices in two passes: one volume
    (series,) = opened([*first, *halfway]).series
    assert series.spacing == (1.5, 0.5, 0.75)


def test_grids_are_told_apart() -> None:
    wide, fine = stack(VOLUME), stack(VOLUME + 7, spacing=(0.25, 0.25), origin=(-10, -20, 60))
    across = stack(VOLUME[:4], orientation=(1, 0, 0, 0, 0, -1))
    small = stack(VOLUME[:3, :4])
    study = opened([*wide, *fine])
    sizes = {series.told_apart: series.spacing for series in study.series}
    assert sizes == {
        ("pixels of 0.25 × 0.25 mm",): (3.0, 0.25, 0.25),
        ("pixels of 0.5 × 0.75 mm",): (3.0, 0.5, 0.75),
    }
    assert sorted(s.told_apart for s in opened([*wide, *across]).series) == [("axial",), ("coronal",)]
    assert sorted(s.told_apart for s in opened([*wide, *small]).series) == [("10 × 4 pixels",), ("10 × 8 pixels",)]
    turned = stack(VOLUME[:2], orientation=(1, 0, 0, 0, 0.7071068, 0.7071068))
    assert sorted(s.told_apart for s in opened([*wide, *turned]).series) == [("axial",), ("oblique",)]
    beside = stack(VOLUME + 7, origin=(50, -20, 30))
    assert sorted(s.told_apart for s in opened([*wide, *beside]).series) == [("field 1 of 2",), ("field 2 of 2",)]


def test_an_image_without_position_does_not_take_the_others_theirs() -> None:
    headers = stack(VOLUME)
    del headers[5].ImagePositionPatient
    study = opened(headers)
    assert [(series.slices, series.positions is None) for series in study.series] == [(5, False), (1, True)]
    assert study.series[1].told_apart == ("without position",)


def test_gated_pet_gives_one_projection_for_every_gate() -> None:
    volume = np.ones((20, 8, 8), np.uint16)
    headers = [
        header
        for gate in range(3)
        for header in stack(volume, 4.0, sop_class=PET, modality="PT", LowRRValue=300 * gate, **pet_tags())
    ]
    study = opened(headers)
    projections = [series for series in study.series if series.projection != "slice"]
    assert [series.shape[0] for series in projections] == [20, 20, 20]  # rows of 4 mm from head to feet
    assert all("RR from" in series.description for series in projections)


def test_names_of_volumes_never_give_the_patient_away() -> None:
    parts = [{"SeriesDescription": f"{word} Muster", "SeriesInstanceUID": ""} for word in ("T1", "T2")]
    study = opened(several(parts, PatientName="Muster^Max"))
    assert [series.told_apart for series in study.series] == [
        ("series description 1 of 2",),
        ("series description 2 of 2",),
    ]
    timed = opened(several([{"AcquisitionTime": t} for t in ("101500", "101600")]))
    assert "1015" not in repr(timed.series[0].told_apart)


def test_frames_of_a_nuclear_medicine_file_are_told_apart_by_their_vectors() -> None:
    header = dataset(VOLUME, modality="NM", EnergyWindowVector=[1, 1, 1, 2, 2, 2])
    study = read(named([header]))
    assert [series.told_apart for series in study.series] == [("energy window 1",), ("energy window 2",)]
