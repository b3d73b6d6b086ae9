"""Instants in DICOM headers: date, time and time zone, told on the clock of the scanner that wrote the header.

PS3.5 section 6.2: a DT value may end in its own offset from UTC; where it does not, and for every DA and TM, the offset
is Timezone Offset From UTC (0008,0201), and without that the clock is the one on the wall.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom import Dataset

_TIMELESS = datetime(1900, 1, 1)  # stands in for the day where a header has none
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)$")
_CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)?(?:\.(\d{1,6}))?$")
_FIRST_YEAR, _LAST_YEAR = "1000", "3000"  # further off, a date is a filler


@dataclass(frozen=True)
class Instant:
    """A reading of the scanner's clock.

    Attributes:
        when: date and time, without zone.
        dated: whether the day is known.
        zoned: whether the value named its own offset from UTC.
    """

    when: datetime
    dated: bool = True
    zoned: bool = False

    @property
    def midnight(self) -> datetime:
        """Begin of its day."""
        return self.when.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def clock(self) -> timedelta:
        """Time since midnight."""
        return self.when - self.midnight


def zone_of(header: Dataset) -> timedelta | None:
    """Offset from UTC of a header's dates and times; ``None`` where it names none, or several."""
    match = _OFFSET.fullmatch(str(header.get("TimezoneOffsetFromUTC", "") or "").strip())
    return _offset(match) if match else None


def moment(header: Dataset, date: str, clock: str) -> Instant | None:
    """Instant of a TM and a DA; not dated without the latter, ``None`` without a time of day to the minute."""
    time = time_of_day(str(header.get(clock, "") or ""))
    if time is None:
        return None
    day = _day(str(header.get(date, "") or ""))
    return Instant(_TIMELESS + time, dated=False) if day is None else Instant(day + time)


def full_moment(text: str, zone: timedelta | None) -> Instant | None:
    """Instant of a DT, put on the clock of ``zone`` where both name one; ``None`` without day or time to the minute."""
    text = text.strip()
    match = _OFFSET.search(text)
    bare = text[: match.start()] if match and match.start() >= 8 else text
    day, time = _day(bare[:8]), time_of_day(bare[8:])
    if day is None or time is None:
        return None
    when = day + time
    if bare is text or match is None:
        return Instant(when)
    return Instant(when if zone is None else when - _offset(match) + zone, zoned=True)


def time_of_day(text: str) -> timedelta | None:
    """Time since midnight of a TM (``HHMM[SS[.F]]``, colons allowed); an hour alone says too little."""
    match = _CLOCK.fullmatch(text.strip().replace(":", ""))
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds + float(f"0.{match[4] or 0}"))


def nearest_day(instant: Instant, reference: Instant) -> Instant:
    """A time of day put on the day on which it is nearest to a reference."""
    days = round((reference.when - instant.when) / timedelta(days=1))
    return Instant(instant.when + timedelta(days=days), reference.dated, instant.zoned)


def _day(text: str) -> datetime | None:
    digits = text.strip().replace(".", "")
    if len(digits) != 8 or not (digits.isdigit() and digits.isascii()) or not _FIRST_YEAR < digits < _LAST_YEAR:
        return None
    try:
        return datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _offset(match: re.Match[str]) -> timedelta:
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -size if match[1] == "-" else size
