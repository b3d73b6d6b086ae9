"""SUV against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging import Unit, read
from tests.imaging.builders import PET, named, pet_tags, stack


def first_value(**changes: object) -> tuple[float, Unit, tuple[str, ...]]:
    """Value of a pixel stored as 2500 (5000 after rescale by 2)."""
    volume = np.full((2, 4, 4), 2500, dtype=np.uint16)
    study = read(named(stack(volume, sop_class=PET, modality="PT", **pet_tags(**changes))))
    series = study.series[0]
    return float(series.pixels[0, 0, 0]), series.unit, series.notes


def test_hand_worked() -> None:
    # 350 MBq at 10:00, half-life 6586.2 s, scan at 11:00: 350e6 * 2**(-3600/6586.2) = 239.613 MBq left
    # SUV = 5000 Bq/ml * 70000 g / 239.613e6 Bq = 1.46069
    value, unit, notes = first_value()
    assert unit is Unit.SUV
    assert value == pytest.approx(1.46069, rel=2e-4)
    assert notes == ()


def test_corrected_to_injection_needs_no_decay() -> None:
    value, unit, _ = first_value(DecayCorrection="ADMIN")
    assert unit is Unit.SUV
    assert value == pytest.approx(5000 * 70000 / 350e6)


def test_injection_before_midnight() -> None:
    value, _, _ = first_value(RadiopharmaceuticalStartTime="233000", SeriesTime="003000", AcquisitionTime="003000")
    assert value == pytest.approx(1.46069, rel=2e-4)


def test_full_injection_time_and_one_with_a_shifted_date() -> None:
    right, _, _ = first_value(
        RadiopharmaceuticalStartTime=None, RadiopharmaceuticalStartDateTime="20200102100000.00+0100"
    )
    shifted, _, notes = first_value(RadiopharmaceuticalStartDateTime="19990102100000.00")
    assert right == pytest.approx(1.46069, rel=2e-4)
    assert shifted == pytest.approx(1.46069, rel=2e-4)
    assert any("date does not fit" in note for note in notes)


def test_series_time_overwritten_by_later_processing() -> None:
    # Series time after the acquisition: the acquisition counts. Frame reference time and duration then shift it:
    # mean time of decay of a 600 s frame is 300 s less a little, the reference lies 300 s after the scan start.
    plain, _, notes = first_value(SeriesTime="150000")
    assert plain == pytest.approx(1.46069, rel=2e-4)
    assert any("scan start" in note for note in notes)
    moved, _, _ = first_value(
        SeriesTime="150000", AcquisitionTime="110500", FrameReferenceTime=600_000.0, ActualFrameDuration=600_000
    )
    decay = np.log(2) / 6586.2
    mean = np.log(decay * 600 / (1 - np.exp(-decay * 600))) / decay
    start = 3900 - 600 + mean
    assert moved == pytest.approx(5000 * 70000 / (350e6 * np.exp(-decay * start)), rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "named_tag"),
    [
        ({"PatientWeight": None}, "PatientWeight"),
        ({"PatientWeight": 0.0}, "PatientWeight"),
        ({"RadionuclideTotalDose": None}, "RadionuclideTotalDose"),
        ({"RadionuclideTotalDose": 350.0}, "RadionuclideTotalDose"),
        ({"RadionuclideHalfLife": None}, "RadionuclideHalfLife"),
        ({"RadiopharmaceuticalStartTime": None}, "RadiopharmaceuticalStartTime"),
        ({"DecayCorrection": None}, "DecayCorrection"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection"),
        ({"RadiopharmaceuticalStartTime": "123000"}, "injection time"),
    ],
)
def test_missing_or_implausible_tag_stays_in_becquerel(changes: dict[str, object], named_tag: str) -> None:
    value, unit, notes = first_value(**changes)
    assert unit is Unit.BQML
    assert value == pytest.approx(5000)
    assert any(named_tag in note for note in notes)


def test_units_that_are_suv_already_and_counts() -> None:
    assert first_value(Units="GML")[:2] == (pytest.approx(5000), Unit.SUV)
    assert first_value(Units="GML", SUVType="LBM")[1] is Unit.ARBITRARY
    assert first_value(Units="CNTS")[1] is Unit.ARBITRARY


@pytest.mark.parametrize(("element", "expected"), [(0x00, 5000 * 0.001), (0x09, 1.46069 * 0.5)])
def test_philips_factors(element: int, expected: float) -> None:
    headers = stack(np.full((2, 4, 4), 2500, dtype=np.uint16), sop_class=PET, modality="PT", **pet_tags(Units="CNTS"))
    for header in headers:
        block = header.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(element, "DS", "0.001" if element == 0 else "0.5")
    series = read(named(headers)).series[0]
    assert series.unit is Unit.SUV
    assert series.pixels[0, 0, 0] == pytest.approx(expected, rel=2e-4)
