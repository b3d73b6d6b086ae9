"""Segmentation objects by highdicom: bits, fractions and labels; drawn by people or by an algorithm; fitting or not."""

from __future__ import annotations

import io
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from highdicom.seg import SegmentAlgorithmTypeValues as Algorithm
from highdicom.seg import SegmentationTypeValues as Kind
from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from core.imaging import Series, Study, read
from core.imaging.projections import coronal_mip
from core.imaging.truth import attach_truth
from tests.imaging.builders import CT, named, noise, stack

VOLUME = noise(6, 32, 30, dtype=np.uint16, seed=6) % 4096
MASK = np.zeros((6, 32, 30), np.uint8)
MASK[2, 10:14, 10:14], MASK[4, 3, 3] = 1, 1
_FRAME_OF_REFERENCE = generate_uid(entropy_srcs=["frame of reference"])


def images(**tags: Any) -> list[FileDataset]:
    known = {
        "FrameOfReferenceUID": _FRAME_OF_REFERENCE,
        "StudyDate": "20200101",
        "StudyTime": "100000",
        "PatientID": "",
        "PatientName": "",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    return stack(VOLUME, sop_class=CT, modality="CT", **{**known, **tags})


def segment(number: int, drawn_by: Algorithm) -> hd.seg.SegmentDescription:
    identification = hd.AlgorithmIdentificationSequence("some", codes.DCM.ArtificialIntelligence, "1")
    return hd.seg.SegmentDescription(
        number,
        f"lesion {number}",
        codes.SCT.Tissue,
        codes.SCT.Tissue,
        drawn_by,
        None if drawn_by is Algorithm.MANUAL else identification,
    )


def seg(
    source: list[FileDataset], pixels: np.ndarray, kind: Kind, drawn_by: list[Algorithm], **options: Any
) -> tuple[str, bytes]:
    if kind is Kind.FRACTIONAL:
        options = {"fractional_type": "PROBABILITY", "max_fractional_value": 255, **options}
    made = hd.seg.Segmentation(
        source,
        pixels.copy(),  # fractions from whole numbers are multiplied where they lie
        kind,
        [segment(number, by) for number, by in enumerate(drawn_by, 1)],
        hd.UID(),
        9,
        hd.UID(),
        1,
        "m",
        "m",
        "1",
        "1",
        **options,
    )
    out = io.BytesIO()
    made.save_as(out)
    return "seg.dcm", out.getvalue()


def upload(source: list[FileDataset], *masks: tuple[str, bytes]) -> Study:
    return read([*named(source), *masks])


def one(source: list[FileDataset], *masks: tuple[str, bytes]) -> Series:
    study = upload(source, *masks)
    assert len(study.series) == 1, study.problems
    assert study.problems == ()
    return study.series[0]


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.FRACTIONAL, Kind.LABELMAP])
@pytest.mark.parametrize("drawn_by", list(Algorithm))
def test_who_drew_it(kind: Kind, drawn_by: Algorithm) -> None:
    source = images()
    series = one(source, seg(source, MASK, kind, [drawn_by]))
    mine, other = series.truth, series.ai_result
    if drawn_by is not Algorithm.MANUAL:
        mine, other = other, mine
        assert any("not the truth" in note for note in series.notes)
    assert other is None
    np.testing.assert_array_equal(mine, MASK.astype(bool))


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.LABELMAP])
def test_segments_of_people_and_of_an_algorithm_in_one_file(kind: Kind) -> None:
    source = images()
    labels = MASK.copy()
    labels[2, 20:25, 5:9] = 2
    labels[5, 1, 1:5] = 3
    series = one(source, seg(source, labels, kind, [Algorithm.MANUAL, Algorithm.AUTOMATIC, Algorithm.SEMIAUTOMATIC]))
    np.testing.assert_array_equal(series.truth, labels == 1)
    np.testing.assert_array_equal(series.ai_result, labels > 1)


@pytest.mark.parametrize(("most", "values"), [(255, (127, 128, 1, 255)), (100, (49, 50, 1, 100)), (1, (0, 1, 0, 1))])
def test_fractions_count_from_half_of_their_maximum(most: int, values: tuple[int, ...]) -> None:
    source = images()
    fractions = np.zeros(VOLUME.shape, np.float32)
    for column, value in enumerate(values):
        fractions[3, 7, column] = value / most
    made = seg(source, fractions, Kind.FRACTIONAL, [Algorithm.MANUAL], max_fractional_value=most)
    series = one(source, made)
    assert series.truth is not None
    np.testing.assert_array_equal(series.truth[3, 7, :4], [False, True, False, True])
    assert series.truth.sum() == 2


def test_a_coloured_label_map() -> None:
    source = images()
    colours = hd.PaletteColorLUTTransformation.from_colors(["black", "red"])
    made = seg(source, MASK, Kind.LABELMAP, [Algorithm.MANUAL], palette_color_lut_transformation=colours)
    np.testing.assert_array_equal(one(source, made).truth, MASK.astype(bool))


def test_an_empty_mask_is_a_mask() -> None:
    source = images()
    made = seg(source, np.zeros_like(MASK), Kind.BINARY, [Algorithm.MANUAL], omit_empty_frames=False)
    series = one(source, made)
    assert series.truth is not None
    assert not series.truth.any()
    made = seg(source, np.zeros_like(MASK), Kind.BINARY, [Algorithm.AUTOMATIC], omit_empty_frames=False)
    series = one(source, made)
    assert (series.truth, series.ai_result is None) == (None, False)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"FrameOfReferenceUID": "1.2.3"}, "another frame of reference"),
        ({"origin": (-10.0, -20.0, 500.0)}, "mm from the nearest slice"),
        ({"origin": (40.0, -20.0, 30.0)}, "elsewhere in the plane"),
        ({"volume": VOLUME[:, :16]}, "30 x 32 pixels, the series 30 x 16"),
    ],
)
def test_a_mask_that_fits_no_series_says_why(changes: dict[str, Any], why: str) -> None:
    source = images()
    made = seg(source, MASK, Kind.BINARY, [Algorithm.AUTOMATIC])
    volume = changes.pop("volume", VOLUME)
    tags = {"FrameOfReferenceUID": _FRAME_OF_REFERENCE, "RescaleSlope": 1, "RescaleIntercept": 0, **changes}
    others = stack(volume, sop_class=CT, modality="CT", **tags)  # images that the mask was not drawn on
    study = upload(others, made)
    (problem,) = study.problems
    assert why in problem.reason
    image, alone = study.series
    assert image.truth is image.ai_result is None
    assert alone.by_algorithm
    assert any(why in note for note in alone.notes)


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.FRACTIONAL, Kind.LABELMAP])
def test_a_mask_brought_later_is_read_alike(kind: Kind) -> None:
    source = images()
    fractions = np.where(MASK, 0.8, 0.2).astype(np.float32) if kind is Kind.FRACTIONAL else MASK
    for drawn_by in (Algorithm.MANUAL, Algorithm.AUTOMATIC):
        made = seg(source, fractions, kind, [drawn_by], omit_empty_frames=False)
        study = read([made])
        assert study.series[0].by_algorithm == (drawn_by is Algorithm.AUTOMATIC)
        series = attach_truth(upload(source).series[0], study.series[0])
        mask = series.ai_result if drawn_by is Algorithm.AUTOMATIC else series.truth
        np.testing.assert_array_equal(mask, MASK.astype(bool))
        assert (series.truth is None) == (drawn_by is Algorithm.AUTOMATIC)


def test_a_projection_has_it_too() -> None:
    source = images()
    series = one(source, seg(source, MASK, Kind.BINARY, [Algorithm.AUTOMATIC]))
    projected = coronal_mip(series)
    assert projected.truth is None
    np.testing.assert_array_equal(projected.ai_result[0], MASK.any(1)[::-1])


def test_a_reader_who_has_not_answered_sees_none_of_it() -> None:
    source = images()
    masks = [seg(source, MASK, Kind.BINARY, [by]) for by in (Algorithm.MANUAL, Algorithm.AUTOMATIC)]
    elsewhere = images(FrameOfReferenceUID="1.2.3", SeriesInstanceUID="1.2.4", StudyInstanceUID="1.2.5")
    stray = seg(elsewhere, MASK, Kind.BINARY, [Algorithm.AUTOMATIC])
    study = upload(source, *masks, stray)
    assert study.series[0].truth is not None
    assert study.series[0].ai_result is not None
    assert study.series[-1].by_algorithm
    blind = study.without_answers()
    assert [series.key for series in blind.series] == [study.series[0].key]
    assert blind.series[0].truth is blind.series[0].ai_result is None
