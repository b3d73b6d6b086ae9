"""A series that was sent twice counts once; series without a name, and beds of a table, stay apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from core.imaging import read
from tests.imaging.builders import PET, item, named, noise, pet_tags, stack

VOLUME = noise(6, 8, 10, dtype=np.uint16, seed=1) % 4096


def placed(volume: np.ndarray, numbers_from: int, **tags: Any) -> list[FileDataset]:
    """A stack whose instance numbers begin somewhere."""
    headers = stack(volume, **tags)
    for number, header in enumerate(headers, numbers_from):
        header.InstanceNumber = number
        header.SliceThickness = tags.get("SliceThickness", 3.0)
    return headers


@pytest.mark.parametrize("again", [{}, {"ContentTime": "120000"}])
def test_a_series_sent_again_under_other_uids_and_numbers_counts_once(again: dict[str, Any]) -> None:
    first = {keyword: "110000" if isinstance(value, str) else 20 for keyword, value in again.items()}
    (series,) = read(named(placed(VOLUME, 1, **first) + placed(VOLUME, 101, **again))).series
    np.testing.assert_array_equal(series.pixels, VOLUME.astype(np.float32))
    assert series.told_apart == ()
    assert "6 images are copies of others and count once." in series.notes


def test_one_time_point_of_three_sent_again() -> None:
    parts = [header for k in range(3) for header in placed(VOLUME + k, 1 + 6 * k, TemporalPositionIdentifier=k + 1)]
    again = placed(VOLUME + 1, 101, TemporalPositionIdentifier=2)
    study = read(named([*parts, *again]))
    assert [series.pixels[0, 0, 0] - VOLUME[0, 0, 0] for series in study.series] == [0, 1, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"TemporalPositionIdentifier": 1}, {"TemporalPositionIdentifier": 2}),
        ({"TriggerTime": 20}, {"TriggerTime": 40}),
        ({"DiffusionGradientOrientation": [1.0, 0.0, 0.0]}, {"DiffusionGradientOrientation": [0.0, 1.0, 0.0]}),
        ({"AcquisitionTime": "110000"}, {"AcquisitionTime": "120000"}),
    ],
)
def test_images_that_state_something_else_are_no_copies(one: dict[str, Any], other: dict[str, Any]) -> None:
    headers = placed(VOLUME, 1, **one) + placed(VOLUME, 101, **other)
    assert len(read(named(headers)).series) == 2


def test_blank_images_are_no_copies() -> None:
    blank = np.zeros((4, 8, 8), np.uint16)
    headers = [h for k in range(2) for h in placed(blank, 1 + 4 * k, TemporalPositionIdentifier=k + 1)]
    assert len(read(named(headers)).series) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"SeriesDescription": "T1"}, {"SeriesDescription": "T2"}),
        ({"ProtocolName": "T1"}, {"ProtocolName": "T2"}),
        ({"InversionTime": 0}, {"InversionTime": 2500}),
        ({"FlipAngle": 15}, {"FlipAngle": 90}),
        ({"ScanningSequence": "SE"}, {"ScanningSequence": "GR"}),
        ({"SliceThickness": 3}, {"SliceThickness": 5}),
        ({"ImageType": ["ORIGINAL", "PRIMARY"]}, {"ImageType": ["DERIVED", "SECONDARY"]}),
    ],
)
@pytest.mark.parametrize("above", [0.0, 1.5, 18.0])
def test_series_whose_uids_were_emptied(one: dict[str, Any], other: dict[str, Any], above: float) -> None:
    first = placed(VOLUME, 1, SeriesInstanceUID="", **one)
    second = placed(VOLUME + 7, 1, SeriesInstanceUID="", origin=(-10.0, -20.0, 30.0 + above), **other)
    study = read(named(first + second))
    assert {series.pixels.tobytes() for series in study.series} == {
        VOLUME.astype(np.float32).tobytes(),
        (VOLUME + 7).astype(np.float32).tobytes(),
    }


def test_a_named_series_keeps_what_changes_along_it() -> None:
    angles = [15, 15, 15, 20, 20, 20]
    headers = placed(VOLUME, 1)
    for header, angle in zip(headers, angles, strict=True):
        header.FlipAngle = angle
    assert [series.slices for series in read(named(headers)).series] == [6]


def test_beds_that_overlap_are_no_time_points() -> None:
    headers = []
    for bed in range(3):
        tags = pet_tags(AcquisitionTime=f"11{3 * bed:02}00", FrameReferenceTime=9e4 + 18e4 * bed)
        at = (0.0, 0.0, 3.0 * 4 * bed)
        headers += placed(VOLUME + bed, 1 + 6 * bed, origin=at, sop_class=PET, modality="PT", **tags)
    study = read(named(headers))
    assert [(series.slices, series.uneven) for series in study.series] == [(6, "")] * 3
    assert not any("time point" in " ".join(series.told_apart) for series in study.series)


def test_b_values_that_differ_a_little_from_slice_to_slice() -> None:
    headers = []
    for b in (0.0, 1000.0):
        for place, header in enumerate(placed(VOLUME + int(b), 1 + int(b))):
            header.DiffusionBValue = b + (place if b else 0)
            headers.append(header)
    assert [series.told_apart for series in read(named(headers)).series] == [("b=0",), ("b=1000",)]


def test_stacks_are_named() -> None:
    header = stack(VOLUME)[0]
    header.NumberOfFrames, header.PixelData = 6, VOLUME.tobytes()
    frames = []
    for place in range(6):
        where = item(ImagePositionPatient=[0.0, 0.0, 3.0 * place])
        frames.append(item(FrameContentSequence=[item(StackID=str(place // 3 + 1))], PlanePositionSequence=[where]))
    header.PerFrameFunctionalGroupsSequence = frames
    assert [series.told_apart for series in read(named([header])).series] == [("stack 1 of 2",), ("stack 2 of 2",)]
