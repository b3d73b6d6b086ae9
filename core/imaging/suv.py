"""Standardised uptake value by body weight from DICOM PET tags.

Follows the vendor-neutral calculation of the QIBA FDG-PET/CT profile (appendix "SUVbw calculation"):
SUVbw = activity [Bq/ml] x body weight [g] / injected dose [Bq], the dose decayed to the time that the pixels are
decay-corrected to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom import Dataset

from core.imaging.study import Unit

_PHILIPS = 0x7053
_SUV_FACTOR = 0x1000
_ACTIVITY_FACTOR = 0x1009
_MOST_HALF_LIVES = 10.0
_LEAST_DOSE_BQ = 1e5


@dataclass(frozen=True)
class SuvScale:
    """What PET pixels, after rescale, are to be multiplied with; their unit then; what had to be assumed."""

    factor: float
    unit: Unit
    notes: tuple[str, ...] = ()


def suv_scale(headers: Sequence[Dataset]) -> SuvScale:
    """Factor from rescaled PET pixels to SUVbw for one series.

    Args:
        headers: the headers of all its slices (their acquisition times tell when the scan began).

    Returns:
        The factor with unit ``SUVbw``; or a factor with unit ``Bq/ml`` or arbitrary and a note that says which tag is
        missing or not plausible.
    """
    header = headers[0]
    units = str(header.get("Units", "") or "")
    if units == "GML":
        kind = str(header.get("SUVType", "") or "BW")
        if kind == "BW":
            return SuvScale(1.0, Unit.SUV)
        return SuvScale(1.0, Unit.ARBITRARY, (f"Pixels are SUV normalised by {kind}, not by body weight.",))
    if units == "CNTS":
        factor = _private_number(header, _SUV_FACTOR)
        if factor:
            return SuvScale(factor, Unit.SUV, ("SUV by the maker's own scale factor (7053,1000).",))
        activity = _private_number(header, _ACTIVITY_FACTOR)
        if not activity:
            return SuvScale(1.0, Unit.ARBITRARY, ("PET pixels are counts without a scale factor: no SUV.",))
        return _from_activity(headers, activity)
    if units == "BQML":
        return _from_activity(headers, 1.0)
    return SuvScale(1.0, Unit.ARBITRARY, (f"PET pixels in the unit {units or '(tag Units missing)'}: no SUV.",))


def _from_activity(headers: Sequence[Dataset], scale: float) -> SuvScale:
    header = headers[0]
    notes: list[str] = []

    def stay(reason: str) -> SuvScale:
        return SuvScale(scale, Unit.BQML, (*notes, f"{reason} Pixels stay in Bq/ml, no SUV."))

    items = header.get("RadiopharmaceuticalInformationSequence")
    drug = items[0] if items else Dataset()
    weight = _number(header, "PatientWeight")
    dose = _number(drug, "RadionuclideTotalDose")
    half_life = _number(drug, "RadionuclideHalfLife")
    correction = str(header.get("DecayCorrection", "") or "")
    wanted = {"PatientWeight": weight, "RadionuclideTotalDose": dose, "RadionuclideHalfLife": half_life}
    missing = [name for name, value in wanted.items() if not value]
    if not correction:
        missing.append("DecayCorrection")
    if missing or not weight or not dose or not half_life:
        return stay(f"Missing for SUV: {', '.join(missing)}.")
    if correction not in ("START", "ADMIN"):
        return stay(f"DecayCorrection is {correction}: START or ADMIN is needed for SUV.")
    if dose < _LEAST_DOSE_BQ:
        return stay(f"RadionuclideTotalDose {dose:g} is not plausible in Bq.")
    if correction == "START":
        start = _scan_start(headers, half_life, notes)
        if start is None:
            return stay("Missing for SUV: SeriesTime or AcquisitionTime.")
        injection = _injection(drug, start, notes)
        if injection is None:
            return stay("Missing for SUV: RadiopharmaceuticalStartTime.")
        elapsed = (start - injection).total_seconds()
        if not 0 <= elapsed <= _MOST_HALF_LIVES * half_life:
            return stay(f"The injection time is not plausible: {elapsed / 60:.0f} min before the scan.")
        dose *= 2.0 ** (-elapsed / half_life)
    return SuvScale(scale * weight * 1000.0 / dose, Unit.SUV, tuple(notes))


def _scan_start(headers: Sequence[Dataset], half_life: float, notes: list[str]) -> datetime | None:
    """Time that the pixels are decay-corrected to.

    It is the series time, unless that lies after the first acquisition: then a later processing step has overwritten
    it, and the time is worked out from the first acquisition.
    """
    series = _moment(headers[0], "SeriesDate", "SeriesTime")
    acquired = [
        (when, number)
        for number, header in enumerate(headers)
        if (when := _moment(header, "AcquisitionDate", "AcquisitionTime")) is not None
    ]
    if not acquired:
        return series
    first, number = min(acquired)
    if series is not None and series <= first:
        return series
    notes.append("The series time lies after the first acquisition: the scan start was worked out from that.")
    reference = (_number(headers[number], "FrameReferenceTime") or 0.0) / 1000.0
    duration = (_number(headers[number], "ActualFrameDuration") or 0.0) / 1000.0
    if reference <= 0 or duration <= 0:
        return first
    decay = math.log(2.0) / half_life
    mean = math.log(decay * duration / (1.0 - math.exp(-decay * duration))) / decay
    return first + timedelta(seconds=mean - reference)


def _injection(drug: Dataset, scan: datetime, notes: list[str]) -> datetime | None:
    full = _parse(str(drug.get("RadiopharmaceuticalStartDateTime", "") or ""))
    if full is not None and timedelta(0) <= scan - full <= timedelta(days=1):
        return full
    clock = _parse("19000101" + str(drug.get("RadiopharmaceuticalStartTime", "") or "").replace(":", ""))
    if full is not None:
        notes.append("The injection date does not fit the scan date: only its time of day was used.")
        clock = full
    if clock is None:
        return None
    same_day = datetime.combine(scan.date(), clock.time())
    return same_day if same_day <= scan else same_day - timedelta(days=1)


def _moment(header: Dataset, date: str, time: str) -> datetime | None:
    day, clock = str(header.get(date, "") or ""), str(header.get(time, "") or "")
    if not clock:
        return None
    day = day or str(header.get("StudyDate", "") or "") or "19000101"
    return _parse(day.replace(".", "") + clock.replace(":", ""))


def _parse(text: str) -> datetime | None:
    """DICOM date and time ``YYYYMMDDHHMMSS.FFFFFF``, time zone left out; ``None`` without a time of day."""
    whole, _, fraction = text.split("+")[0].split("-")[0].strip().partition(".")
    if len(whole) < 10 or not whole.isdigit():
        return None
    try:
        base = datetime.strptime(whole[:14].ljust(14, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return None
    return base + timedelta(seconds=float(f"0.{fraction}") if fraction.isdigit() else 0.0)


def _number(header: Dataset, keyword: str) -> float | None:
    try:
        value = float(header.get(keyword))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _private_number(header: Dataset, element: int) -> float | None:
    """Philips private number; a private tag of unknown type comes as bytes."""
    found = header.get((_PHILIPS, element))
    value = getattr(found, "value", None)
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore").strip("\x00 ")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None
