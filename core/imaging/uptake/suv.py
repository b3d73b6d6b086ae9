"""Standardised uptake value by body weight from DICOM PET tags.

Follows the vendor-neutral calculation of the QIBA FDG-PET/CT profile (appendix "SUVbw calculation"):
SUVbw = activity [Bq/ml] x body weight [g] / injected dose [Bq], the dose decayed to the time that the pixels are
decay-corrected to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.multival import MultiValue

from core.imaging.dicom.private_tags import private_numbers
from core.imaging.numbers import positive
from core.imaging.study import Unit
from core.imaging.terms import code_or_none
from core.imaging.uptake.decay import injection, scan_length, scan_start
from core.imaging.uptake.instants import zone_of
from core.imaging.uptake.nuclides import other_half_life

_PHILIPS = (0x7053, "Philips PET Private Group")
_SUV_FACTOR = 0x00
_ACTIVITY_FACTOR = 0x09
_LEAST_DOSE_BQ = 1e5
_MOST_WEIGHT_KG = 700.0
_CORRECTIONS = {"DECY": "decay", "ATTN": "attenuation"}
_ONE_FOR_ALL = ("Units", "SUVType", "DecayCorrection", "PatientWeight")
_ONE_DRUG = ("RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime",
             "RadiopharmaceuticalStartDateTime")  # fmt: skip


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
    differing = _differing(headers)
    if differing:
        return SuvScale(1.0, Unit.ARBITRARY, (f"The slices differ in {', '.join(differing)}: no SUV.",))
    if units == "GML":
        kind = str(header.get("SUVType", "") or "BW")
        if kind != "BW":
            return SuvScale(
                1.0, Unit.ARBITRARY, (f"Pixels are SUV normalised by {code_or_none(kind)}, not by body weight.",)
            )
        lacking = _uncorrected(header)
        return SuvScale(1.0, Unit.ARBITRARY, (f"{lacking} No SUV.",)) if lacking else SuvScale(1.0, Unit.SUV)
    if units == "CNTS":
        factor = _private(header, _SUV_FACTOR)
        lacking = _uncorrected(header)
        if factor and lacking:
            return SuvScale(1.0, Unit.ARBITRARY, (f"{lacking} Pixels stay counts, no SUV.",))
        if factor:
            return SuvScale(factor, Unit.SUV, ("SUV by the maker's own scale factor (7053,1000).",))
        activity = _private(header, _ACTIVITY_FACTOR)
        if not activity:
            return SuvScale(1.0, Unit.ARBITRARY, ("PET pixels are counts without a scale factor: no SUV.",))
        return _from_activity(headers, activity)
    if units == "BQML":
        return _from_activity(headers, 1.0)
    return SuvScale(
        1.0,
        Unit.ARBITRARY,
        (f"PET pixels in the unit {code_or_none(units) if units else '(tag Units missing)'}: no SUV.",),
    )


def _differing(headers: Sequence[Dataset]) -> list[str]:
    """Names of what decides on the factor and is not the same in all headers."""
    drugs = [next(iter(header.get("RadiopharmaceuticalInformationSequence") or ()), Dataset()) for header in headers]
    found = [name for name in _ONE_FOR_ALL if len({_comparable(header.get(name)) for header in headers}) > 1]
    found += [name for name in _ONE_DRUG if len({_comparable(drug.get(name)) for drug in drugs}) > 1]
    factors = {tuple(_private(header, element) for element in (_SUV_FACTOR, _ACTIVITY_FACTOR)) for header in headers}
    return [*found, *(["the maker's scale factors"] if len(factors) > 1 else [])]


def _comparable(value: object) -> object:
    """A value to compare with others: as number where it is one, since writers spell 70 as 70.0, too."""
    return positive(value) or str(value or "").strip()


def _private(header: Dataset, element: int) -> float | None:
    found = private_numbers(header, *_PHILIPS, element)
    return positive(found[0]) if found else None


def _from_activity(headers: Sequence[Dataset], scale: float) -> SuvScale:
    header = headers[0]
    notes: list[str] = []

    def stay(reason: str) -> SuvScale:
        return SuvScale(scale, Unit.BQML, (*notes, f"{reason} Pixels stay in Bq/ml, no SUV."))

    items = header.get("RadiopharmaceuticalInformationSequence") or []
    if len(items) > 1:
        return stay(f"The header names {len(items)} radiopharmaceuticals: whose uptake this is, is not known.")
    drug = items[0] if items else Dataset()
    weight = positive(header.get("PatientWeight"))
    dose = positive(drug.get("RadionuclideTotalDose"))
    half_life = positive(drug.get("RadionuclideHalfLife"))
    correction = str(header.get("DecayCorrection", "") or "")
    wanted = {"PatientWeight": weight, "RadionuclideTotalDose": dose, "RadionuclideHalfLife": half_life}
    missing = [name for name, value in wanted.items() if not value]
    if not correction:
        missing.append("DecayCorrection")
    if missing or not weight or not dose or not half_life:
        return stay(f"Missing for SUV: {', '.join(missing)}.")
    if correction not in ("START", "ADMIN"):
        return stay(f"DecayCorrection is {code_or_none(correction)}: START or ADMIN is needed for SUV.")
    lacking = _uncorrected(header)
    if lacking:
        return stay(lacking)
    other = other_half_life(drug, half_life)
    if other:
        return stay(other)
    if dose < _LEAST_DOSE_BQ:
        return stay(f"RadionuclideTotalDose {dose:g} is not plausible in Bq.")
    if weight > _MOST_WEIGHT_KG:
        return stay(f"PatientWeight {weight:g} is not plausible in kg.")
    if correction == "START":
        start = scan_start(headers, half_life, notes)
        if start is None:
            return stay("Missing for SUV: SeriesTime or AcquisitionTime.")
        injected = injection(drug, zone_of(header), start, scan_length(headers, start), half_life, notes)
        if isinstance(injected, str):
            return stay(injected)
        dose *= 2.0 ** (-(start.when - injected.when).total_seconds() / half_life)
    return SuvScale(scale * weight * 1000.0 / dose, Unit.SUV, tuple(notes))


def _uncorrected(header: Dataset) -> str:
    """A sentence on what the pixels are not corrected for, or nothing: SUV needs decay and attenuation."""
    lacking = [words for code, words in _CORRECTIONS.items() if code not in _corrected(header, code)]
    return f"CorrectedImage says that the pixels are not corrected for {' and '.join(lacking)}." if lacking else ""


def _corrected(header: Dataset, default: str) -> tuple[str, ...]:
    """Corrections that the header names; without the tag, that which is asked for."""
    value = header.get("CorrectedImage")
    if not value:
        return (default,)
    return tuple(str(code) for code in value) if isinstance(value, (MultiValue, list)) else (str(value),)
