"""When the tracer was injected and when the scan began: instants, worked by hand in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.imaging import Series, Unit, read
from tests.imaging.builders import PET, named, pet_tags, stack

F18, CU64, ZR89, I124 = 6586.2, 45723.6, 282240.0, 360806.4
HOUR, DAY = 3600, 86400


def pet(half_life: float = F18, per_slice: list[dict[str, Any]] | None = None, **changes: Any) -> Series:
    """A PET of 5000 Bq/ml everywhere, 350 MBq in 70 kg; ``per_slice`` changes single slices, feet first."""
    slices = len(per_slice) if per_slice else 2
    volume = np.full((slices, 4, 4), 2500, np.uint16)
    tags = pet_tags(RadionuclideHalfLife=half_life, **changes)
    headers = stack(volume, sop_class=PET, modality="PT", **tags)
    for header, own in zip(headers, per_slice or [], strict=False):
        for keyword, value in own.items():
            setattr(header, keyword, value)
    return read(named(headers)).series[0]


def suv(elapsed: float, half_life: float = F18) -> float:
    """5000 Bq/ml x 70,000 g over what is left of 350 MBq."""
    return 5000 * 70_000 / (350e6 * 2 ** (-elapsed / half_life))


def told(series: Series, elapsed: float, half_life: float = F18) -> None:
    assert series.unit is Unit.SUV, series.notes
    np.testing.assert_allclose(series.pixels, suv(elapsed, half_life), rtol=2e-4)


def refused(series: Series, word: str) -> None:
    assert series.unit is Unit.BQML
    np.testing.assert_allclose(series.pixels, 5000, rtol=1e-6)
    assert any(word in note for note in series.notes), series.notes


@pytest.mark.parametrize(
    ("half_life", "when", "elapsed"),
    [
        (ZR89, "20191228100000", 5 * DAY + HOUR),
        (I124, "20191231100000", 2 * DAY + HOUR),
        (CU64, "20200101090000.000000", DAY + 2 * HOUR),
        (F18, "20200101233000", 11.5 * HOUR),
        (CU64, "20200102110020", -20),
        (F18, "20200102110020.5", -20.5),
    ],
)
def test_a_date_and_time_count_days_before_and_shortly_after_the_start(
    half_life: float, when: str, elapsed: float
) -> None:
    told(
        pet(half_life, RadiopharmaceuticalStartDateTime=when, RadiopharmaceuticalStartTime=when[8:]), elapsed, half_life
    )
    told(pet(half_life, RadiopharmaceuticalStartDateTime=when, RadiopharmaceuticalStartTime=None), elapsed, half_life)


def test_time_zones() -> None:
    # 09:00 in Greenwich is 10:00 one hour east of it: one hour before the scan at 11:00 there
    greenwich = {"RadiopharmaceuticalStartDateTime": "20200102090000.00+0000", "RadiopharmaceuticalStartTime": None}
    told(pet(TimezoneOffsetFromUTC="+0100", **greenwich), HOUR)
    told(pet(TimezoneOffsetFromUTC="+0100", **{**greenwich, "RadiopharmaceuticalStartTime": "100000"}), HOUR)
    told(pet(TimezoneOffsetFromUTC="+0030", **greenwich), 1.5 * HOUR)
    # the injection five hours west of the scan's own zone, on the day before there
    west = {"RadiopharmaceuticalStartDateTime": "20200101190000-0500", "RadiopharmaceuticalStartTime": None}
    told(pet(TimezoneOffsetFromUTC="+0000", SeriesTime="010000", AcquisitionTime="010000", **west), HOUR)
    # a date and time without an offset has that of the header
    plain = {"RadiopharmaceuticalStartDateTime": "20200102100000", "RadiopharmaceuticalStartTime": None}
    told(pet(TimezoneOffsetFromUTC="-0700", **plain), HOUR)
    # the header names no zone: a time of day written by the scan's clock tells, else one clock is assumed and said
    told(pet(RadiopharmaceuticalStartDateTime="20200102150000-0000"), HOUR)
    series = pet(RadiopharmaceuticalStartDateTime="20200102100000+0100", RadiopharmaceuticalStartTime=None)
    told(series, HOUR)
    assert any("one clock" in note for note in series.notes)


@pytest.mark.parametrize("half_life", [CU64, ZR89, I124])
def test_a_time_of_day_alone_is_not_enough_for_a_long_half_life(half_life: float) -> None:
    refused(pet(half_life), "day of injection is not known")
    refused(pet(half_life, RadiopharmaceuticalStartDateTime="19990102100000"), "day of injection is not known")


def test_a_time_of_day_alone_is_enough_for_a_short_one() -> None:
    told(pet(), HOUR)
    told(pet(RadiopharmaceuticalStartTime="110020"), -20)
    told(pet(RadiopharmaceuticalStartTime="10:00:00"), HOUR)
    told(pet(RadiopharmaceuticalStartTime="1000"), HOUR)
    told(pet(SeriesTime="235950", AcquisitionTime="235950", RadiopharmaceuticalStartTime="000010"), -20)
    nothing_dated = {"SeriesDate": None, "AcquisitionDate": None}
    told(
        pet(SeriesTime="003000", AcquisitionTime="003000", RadiopharmaceuticalStartTime="233000", **nothing_dated), HOUR
    )
    refused(pet(RadiopharmaceuticalStartTime="10"), "RadiopharmaceuticalStartTime")
    refused(pet(RadiopharmaceuticalStartTime="not known"), "RadiopharmaceuticalStartTime")


def test_midnight_within_the_scan() -> None:
    # the series begins at 23:50, its second bed after midnight; only the series' day is written
    beds = [{"AcquisitionTime": "000500"}, {"AcquisitionTime": "235000"}]
    changes = {"SeriesTime": "235000", "AcquisitionDate": None, "RadiopharmaceuticalStartTime": "225000"}
    series = pet(per_slice=beds, **changes)
    told(series, HOUR)
    assert series.notes == ()
    # and the same where only the study's day is written, and the series begins after midnight
    late = {"SeriesDate": None, "AcquisitionDate": None, "StudyDate": "20200102", "StudyTime": "233000"}
    clock = {"SeriesTime": "003000", "AcquisitionTime": "003000", "RadiopharmaceuticalStartTime": "223000"}
    told(pet(CU64, RadiopharmaceuticalStartDateTime="20200102223000", **late, **clock), 2 * HOUR, CU64)


def test_an_injection_after_the_end_is_none() -> None:
    short = [{"ActualFrameDuration": 180_000}] * 2
    refused(pet(per_slice=short, RadiopharmaceuticalStartTime="113000"), "30 min after")
    told(pet(per_slice=[{"ActualFrameDuration": 3_000_000}] * 2, RadiopharmaceuticalStartTime="113000"), -1800)
    refused(pet(RadiopharmaceuticalStartDateTime="20200102130000", RadiopharmaceuticalStartTime=None), "120 min after")


def test_the_time_written_twice() -> None:
    refused(pet(RadiopharmaceuticalStartDateTime="20200102080000"), "written twice")
    told(pet(RadiopharmaceuticalStartDateTime="20200102100001"), HOUR - 1)


def mean_time(duration: float, half_life: float = F18) -> float:
    """When a decaying source has its mean count rate within a frame: by bisection, not by the formula."""
    rate = np.log(2) / half_life
    steps = (np.arange(200_000) + 0.5) / 200_000 * duration
    return float(-np.log(np.exp(-rate * steps).mean()) / rate)


@pytest.mark.parametrize("head_first", [False, True])
@pytest.mark.parametrize("one_time", [False, True])
def test_series_time_overwritten_beds_in_either_order(head_first: bool, one_time: bool) -> None:
    # eight beds of 180 s; the scan begins at 11:00, the series time is that of a reconstruction at 15:00; some scanners
    # write the scan's start as acquisition time of every bed, others that of the bed
    beds = []
    for bed in range(8):
        begin = 180 * bed
        clock = "110000" if one_time else f"{11 * HOUR + begin:d}"
        clock = clock if one_time else f"11{begin // 60:02d}{begin % 60:02d}"
        reference = 1000 * (begin + mean_time(180))
        beds.append(
            {"AcquisitionTime": clock, "FrameReferenceTime": f"{reference:.1f}", "ActualFrameDuration": 180_000}
        )
    series = pet(per_slice=beds[::-1] if head_first else beds, SeriesTime="150000")
    told(series, HOUR)
    assert any("scan start was worked out" in note for note in series.notes)


def test_series_time_overwritten_the_scanner_kept_its_own() -> None:
    headers = stack(np.full((2, 4, 4), 2500, np.uint16), sop_class=PET, modality="PT", **pet_tags(SeriesTime="150000"))
    for header in headers:
        header.AcquisitionTime = "110300"
        header.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20200102110000.00")
    told(read(named(headers)).series[0], HOUR)


def test_acquisition_date_time_stands_in() -> None:
    own = {"AcquisitionDate": None, "AcquisitionTime": None, "AcquisitionDateTime": "20200102100000.000+0000"}
    told(pet(SeriesTime="150000", TimezoneOffsetFromUTC="+0100", **own), HOUR)


def test_what_the_pixels_are_corrected_for() -> None:
    told(pet(CorrectedImage=["DECY", "ATTN", "SCAT"]), HOUR)
    refused(pet(CorrectedImage=["DECY", "SCAT"]), "attenuation")
    refused(pet(CorrectedImage="ATTN"), "decay")
    refused(pet(DecayCorrection="NONE"), "DecayCorrection")
    refused(pet(PatientWeight=70_000), "not plausible in kg")


def test_two_tracers() -> None:
    headers = stack(np.full((2, 4, 4), 2500, np.uint16), sop_class=PET, modality="PT", **pet_tags())
    for header in headers:
        sequence = header.RadiopharmaceuticalInformationSequence
        header.RadiopharmaceuticalInformationSequence = [sequence[0], sequence[0]]
    refused(read(named(headers)).series[0], "2 radiopharmaceuticals")
