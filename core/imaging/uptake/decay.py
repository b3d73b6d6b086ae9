"""The instants that a PET's decay correction rests on: when the scan began and when the tracer was injected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from pydicom import Dataset

from core.imaging.numbers import positive, private
from core.imaging.uptake.instants import Instant, full_moment, moment, nearest_day, time_of_day, zone_of

MOST_HALF_LIVES = 10.0  # after that a thousandth is left: nobody scans so late, so a date is wrong
LATEST = timedelta(hours=1)  # after the scan's start: a dynamic scan begins before the injection
_DAY = timedelta(days=1)
_ONE_BED = timedelta(seconds=1)
_CONTRADICTION = timedelta(minutes=1)


def scan_start(headers: Sequence[Dataset], half_life: float, notes: list[str]) -> Instant | None:
    """Instant that pixels with decay correction ``START`` are corrected to.

    It is the series time, unless that lies after the first acquisition: then a later processing step has overwritten
    it, and the scanner's own note (GE) or the first acquisition tells, as in the vendor-neutral calculation of QIBA.
    Of images with the same acquisition time, that with the smallest frame reference time was acquired first.

    Args:
        headers: headers of all images of the series.
        half_life: of the nuclide, in seconds.
        notes: gets a sentence where the series time is not used.
    """
    series = _series_time(headers)
    acquired = [(when, header) for header in headers if (when := _acquired(header, series)) is not None]
    if not acquired:
        return series
    first = min(when.when for when, _ in acquired)
    if series is not None and series.when <= first:
        return series
    own = full_moment(str(private(headers[0], 0x0009, "GEMS_PETD_01", 0x0D) or ""), zone_of(headers[0]))
    if own is not None and own.when <= first:
        notes.append("The series time lies after the first acquisition: the scanner's own scan time was used.")
        return own
    notes.append("The series time lies after the first acquisition: the scan start was worked out from that.")
    begun = [(when, header) for when, header in acquired if when.when - first <= _ONE_BED]
    when, header = min(begun, key=lambda pair: _seconds(pair[1], "FrameReferenceTime") or math.inf)
    reference, duration = _seconds(header, "FrameReferenceTime"), _seconds(header, "ActualFrameDuration")
    if reference <= 0 or duration <= 0:
        return when
    decay = math.log(2.0) / half_life
    mean = math.log(decay * duration / -math.expm1(-decay * duration)) / decay
    return Instant(when.when + timedelta(seconds=mean - reference), when.dated)


def scan_length(headers: Sequence[Dataset], start: Instant) -> timedelta | None:
    """From the scan's start to the end of its last frame; ``None`` where a time or a duration lacks."""
    longest = timedelta(0)
    for header in headers:
        when, duration = _acquired(header, start), _seconds(header, "ActualFrameDuration")
        if when is None or duration <= 0:
            return None
        longest = max(longest, nearest_day(when, start).when - start.when + timedelta(seconds=duration))
    return longest


def injection(
    drug: Dataset, zone: timedelta | None, start: Instant, length: timedelta | None, half_life: float, notes: list[str]
) -> Instant | str:
    """Instant of injection on the scanner's clock, or a sentence why it cannot be known.

    A date and time that fit the scan count, be it days before or shortly after its start. A time of day alone fits
    every day: it counts where the nuclide leaves but one.

    Args:
        drug: item of the Radiopharmaceutical Information Sequence.
        zone: offset from UTC that the image's header names.
        start: of the scan. length: of the scan where known; no tracer comes after its end.
        half_life: in seconds.
        notes: gets a sentence about what was assumed.
    """
    full = full_moment(str(drug.get("RadiopharmaceuticalStartDateTime", "") or ""), zone)
    clock = time_of_day(str(drug.get("RadiopharmaceuticalStartTime", "") or ""))
    latest = LATEST if length is None else min(LATEST, length)
    if full is not None:
        if full.zoned and zone is None and clock is not None:
            # a time of day has no zone of its own: it was written by the clock that wrote the scan's times
            full = nearest_day(Instant(full.midnight + clock), full)
        elif full.zoned and zone is None:
            notes.append("The injection names a time zone, the scan does not: both were taken to be on one clock.")
        elif clock is not None and not full.zoned and not _agree(full.clock, clock):
            return "The injection's time is written twice and differs (RadiopharmaceuticalStartDateTime and Time)."
        if start.dated and _fits(start, full, half_life, latest):
            return full
        clock = full.clock
    if clock is None:
        return "Missing for SUV: RadiopharmaceuticalStartTime."
    newest = start.midnight + clock + (_DAY if start.clock - clock + latest >= _DAY else timedelta(0))
    count = 3 + int(MOST_HALF_LIVES * half_life / _DAY.total_seconds())
    fitting = [
        day
        for number in range(min(count, 100))
        if _fits(start, day := Instant(newest - number * _DAY), half_life, latest)
    ]
    if len(fitting) > 1:
        return (
            f"The day of injection is not known, and a half-life of {half_life / 3600:.1f} h makes several possible "
            "(RadiopharmaceuticalStartDateTime)."
        )
    if not fitting:
        told = full if full is not None and start.dated else Instant(newest)
        return f"The injection time is not plausible: {_before(start, told)} the scan's start."
    if full is not None and start.dated:
        notes.append("The injection date does not fit the scan date: only its time of day was used.")
    return fitting[0]


def _before(start: Instant, injected: Instant) -> str:
    minutes = (start.when - injected.when).total_seconds() / 60
    return f"{minutes:.0f} min before" if minutes >= 0 else f"{-minutes:.0f} min after"


def _fits(start: Instant, injected: Instant, half_life: float, latest: timedelta) -> bool:
    elapsed = start.when - injected.when
    return -latest <= elapsed and elapsed.total_seconds() <= MOST_HALF_LIVES * half_life


def _agree(one: timedelta, other: timedelta) -> bool:
    gap = abs(one - other)
    return min(gap, _DAY - gap) <= _CONTRADICTION


def _series_time(headers: Sequence[Dataset]) -> Instant | None:
    """Series time; where its day is not written, it is next to a dated acquisition, or after the study's start."""
    series = moment(headers[0], "SeriesDate", "SeriesTime")
    if series is None or series.dated:
        return series
    acquired = next((when for header in headers if (when := _dated_acquisition(header)) is not None), None)
    if acquired is not None:
        return nearest_day(series, acquired)
    study = moment(headers[0], "StudyDate", "StudyTime") or moment(headers[0], "StudyDate", "SeriesTime")
    if study is None or not study.dated:
        return series
    return Instant(study.midnight + series.clock + (_DAY if series.clock < study.clock else timedelta(0)))


def _dated_acquisition(header: Dataset) -> Instant | None:
    found = moment(header, "AcquisitionDate", "AcquisitionTime")
    if found is not None and found.dated:
        return found
    return full_moment(str(header.get("AcquisitionDateTime", "") or ""), zone_of(header))


def _acquired(header: Dataset, near: Instant | None) -> Instant | None:
    """Start of an image's acquisition; where its day is not written, on the day next to ``near``."""
    dated = _dated_acquisition(header)
    if dated is not None:
        return dated
    found = moment(header, "StudyDate", "AcquisitionTime")
    return found if found is None or near is None else nearest_day(found, near)


def _seconds(header: Dataset, keyword: str) -> float:
    """Seconds of a tag in milliseconds; 0 where it lacks."""
    return (positive(header.get(keyword)) or 0.0) / 1000.0
