"""CT numbers are Hounsfield units only where PS3.3 C.8.2.1.1 says so; everything else keeps its numbers, unnamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.pixels import apply_modality_lut

from core.errors import UnreadableFileError
from core.imaging import Modality, Series, Unit, read
from tests.imaging.builders import CT, ENHANCED_CT, MR, PET, dataset, item, named, noise, pet_tags, stack

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
AXIAL = ["ORIGINAL", "PRIMARY", "AXIAL"]
RESCALE = {"RescaleSlope": 1.0, "RescaleIntercept": -1024.0}
PLANES = noise(2, 6, 7, dtype=np.uint16, seed=4) % 4096


def ct(sop_class: str = CT, planes: np.ndarray = PLANES, **tags: Any) -> Series:
    return read(named(stack(planes, sop_class=sop_class, modality="CT", **tags))).series[0]


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageType": AXIAL},
        {"ImageType": [*AXIAL, "CT_SOM5 SPI"]},
        {},
        {"ImageType": AXIAL, "RescaleType": "HU"},
        {"ImageType": ["DERIVED", "SECONDARY", "MPR"], "RescaleType": "HU"},
        {"ImageType": AXIAL, "MultienergyCTAcquisition": "YES", "RescaleType": "HU"},
    ],
)
def test_hounsfield(tags: dict[str, Any]) -> None:
    series = ct(**RESCALE, **tags)
    assert series.unit is Unit.HU
    np.testing.assert_array_equal(series.pixels, PLANES.astype(np.float32) - 1024)


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "RescaleType": "HU"}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "OTHER"]}, "derived"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}, "derived"),
        ({"ImageType": AXIAL, "RescaleType": "US"}, "US"),
        ({"ImageType": AXIAL, "RescaleType": "MGML"}, "MGML"),
        ({"ImageType": AXIAL, "RescaleType": "HU_MOD"}, "HU_MOD"),
        ({"ImageType": AXIAL, "MultienergyCTAcquisition": "YES"}, "several energies"),
        ({"ImageType": AXIAL, "sop_class": SECONDARY_CAPTURE}, "picture made from one"),
    ],
)
def test_not_hounsfield(tags: dict[str, Any], why: str) -> None:
    series = ct(**RESCALE, **tags)
    assert series.unit is Unit.ARBITRARY
    assert any(why in note and "not in HU" in note for note in series.notes), series.notes
    np.testing.assert_array_equal(series.pixels, PLANES.astype(np.float32) - 1024)


def test_an_eight_bit_picture_of_a_ct_is_a_picture() -> None:
    planes = noise(1, 6, 7)
    series = ct(SECONDARY_CAPTURE, planes, RescaleSlope=1, RescaleIntercept=0)
    assert (series.unit, series.value_range, series.modality) == (Unit.GREY, (0.0, 255.0), Modality.CT)
    rgb = dataset(planes[0], CT, "CT", SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    rgb.PixelData = np.repeat(planes[0][..., None], 3, -1).tobytes()
    rgb.RescaleSlope, rgb.RescaleIntercept, rgb.RescaleType = 1, -1024, "HU"
    series = read(named([rgb])).series[0]
    assert (series.unit, series.pixels.min() >= 0) == (Unit.GREY, True)


def test_a_rescale_of_nothing_is_none() -> None:
    series = ct(RescaleSlope=0.0, RescaleIntercept=-1024.0, ImageType=AXIAL)
    assert series.unit is Unit.ARBITRARY
    np.testing.assert_array_equal(series.pixels, PLANES.astype(np.float32))
    assert any("slope is 0" in note for note in series.notes)


@pytest.mark.parametrize(
    ("frame_type", "kind", "unit"), [("AXIAL", "HU", Unit.HU), ("LOCALIZER", "HU", Unit.ARBITRARY)]
)
def test_enhanced_ct(frame_type: str, kind: str, unit: Unit) -> None:
    header = dataset(PLANES, ENHANCED_CT, "CT")
    transformation = item(RescaleSlope=2.0, RescaleIntercept=-1000.0, RescaleType=kind)
    header.SharedFunctionalGroupsSequence = [
        item(
            PixelValueTransformationSequence=[transformation],
            CTImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", frame_type, "NONE"])],
        )
    ]
    series = read(named([header])).series[0]
    assert series.unit is unit
    np.testing.assert_array_equal(series.pixels, PLANES.astype(np.float32) * 2 - 1000)


def lut(entries: list[int] | bytes, first: int, bits: int, kind: str = "US", count: int | None = None) -> Dataset:
    made = Dataset()
    made.add_new("LUTDescriptor", "US", [len(entries) if count is None else count, first, bits])
    made.add_new("LUTData", "OW" if isinstance(entries, bytes) else "US", entries)
    if kind:
        made.ModalityLUTType = kind
    return made


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_a_modality_lut_stands_for_the_rescale(modality: str) -> None:
    entries = [int(v) for v in 65535 - 15 * np.arange(3000)]
    headers = stack(PLANES, sop_class=CT if modality == "CT" else MR, modality=modality, **RESCALE)
    for header in headers:
        header.ModalityLUTSequence = [lut(entries, 500, 16)]
    series = read(named(headers)).series[0]
    expected = np.stack([apply_modality_lut(plane, headers[0]) for plane in PLANES])
    np.testing.assert_array_equal(series.pixels, expected.astype(np.float32))
    assert series.unit is Unit.ARBITRARY


def test_a_modality_lut_of_signed_values_as_words_and_packed() -> None:
    planes = np.array([[[-5, -3, 0, 2, 9]]], np.int16)
    table = np.arange(10, 18)  # for -3 to 4
    for made in (
        lut(table.astype("<u2").tobytes(), 65533, 16, count=8),
        lut([int(v) for v in table], 65533, 16),
        lut(table.astype("u1").tobytes(), 65533, 8, count=8),
    ):
        (header,) = stack(planes)
        header.ModalityLUTSequence = [made]
        np.testing.assert_array_equal(read(named([header])).series[0].pixels[0, 0], [10, 10, 13, 15, 17])


def test_a_modality_lut_to_hounsfield_and_a_broken_one() -> None:
    (header,) = stack(PLANES[:1], sop_class=CT, modality="CT")
    header.ModalityLUTSequence = [lut(list(range(4096)), 0, 16, "HU")]
    assert read(named([header])).series[0].unit is Unit.HU
    header.ModalityLUTSequence = [lut([1, 2, 3], 0, 16, count=4096)]
    with pytest.raises(UnreadableFileError, match="look-up table"):
        read(named([header]))


def test_uptake_needs_a_rescale() -> None:
    planes = np.full((2, 4, 4), 2500, np.uint16)
    for header in (headers := stack(planes, sop_class=PET, modality="PT", **pet_tags())):
        header.ModalityLUTSequence = [lut(list(range(4096)), 0, 16)]
    series = read(named(headers)).series[0]
    assert series.unit is Unit.ARBITRARY
    assert any("no SUV" in note for note in series.notes)
    bare = stack(planes, sop_class=PET, modality="PT", **pet_tags(RescaleSlope=None, RescaleIntercept=None))
    assert read(named(bare)).series[0].unit is Unit.ARBITRARY


@pytest.mark.parametrize(("slope", "intercept"), [("nan", "0"), ("inf", "-1024"), ("1", "nan"), ("1", "-inf")])
def test_a_rescale_that_is_no_number_is_none(slope: str, intercept: str) -> None:
    headers = stack(noise(2, 8, 8), sop_class=CT, modality="CT", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    for header in headers:
        header.RescaleSlope, header.RescaleIntercept = slope, intercept
    series = read(named(headers)).series[0]
    assert series.unit is not Unit.HU
    np.testing.assert_array_equal(series.pixels, noise(2, 8, 8))
    assert any("no number" in note for note in series.notes)
