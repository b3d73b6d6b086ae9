"""No SUV where the header contradicts itself, the nuclide, or the correction that SUV rests on."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from core.imaging import Series, Unit, read
from core.imaging.bare import bare
from core.imaging.deidentify import Identity
from core.imaging.uptake.nuclides import nuclide
from tests.imaging.builders import PET, item, named, pet_tags, stack, to_bytes

VOLUME = np.full((3, 4, 4), 2500, dtype=np.uint16)
# PS3.16 CID 4020
F18, GA68 = ("77004003", "^18^Fluorine"), ("35337001", "^68^Gallium")


def headers(**changes: Any) -> list[Any]:
    return stack(VOLUME, sop_class=PET, modality="PT", **pet_tags(**changes))


def opened(made: list[Any]) -> Series:
    return read(named(made)).series[0]


@pytest.mark.parametrize("units", ["GML", "CNTS", "BQML"])
@pytest.mark.parametrize(
    ("corrected", "suv"), [(["DECY", "ATTN"], True), (["DECY", "RADL"], False), (["ATTN"], False), (["NORM"], False)]
)
def test_pixels_that_are_not_corrected_are_no_suv(units: str, corrected: list[str], suv: bool) -> None:
    made = headers(Units=units, CorrectedImage=corrected)
    for header in made:
        header.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", "0.0004")
    series = opened(made)
    assert (series.unit is Unit.SUV) == suv
    assert any("not corrected" in note for note in series.notes) != suv


@pytest.mark.parametrize(("keyword", "value"), [("Units", "GML"), ("PatientWeight", 100), ("DecayCorrection", "ADMIN")])
def test_slices_that_differ_in_what_decides(keyword: str, value: Any) -> None:
    made = headers()
    setattr(made[1], keyword, value)
    series = opened(made)
    assert series.unit is Unit.ARBITRARY
    assert any(keyword in note for note in series.notes)


def test_one_number_in_two_spellings() -> None:
    made = headers(PatientWeight="70")
    made[1].PatientWeight = "70.000"
    assert opened(made).unit is Unit.SUV


def test_slices_that_differ_in_dose_or_in_the_makers_factor() -> None:
    made = headers()
    made[1].RadiopharmaceuticalInformationSequence = deepcopy(made[1].RadiopharmaceuticalInformationSequence)
    made[1].RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = 100e6
    assert opened(made).unit is Unit.ARBITRARY
    made = headers(Units="CNTS")
    for number, header in enumerate(made):
        header.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", f"0.000{number + 4}")
    assert opened(made).unit is Unit.ARBITRARY


@pytest.mark.parametrize(
    ("code", "half_life", "suv"),
    [(F18, 6586.2, True), (F18, 6588, True), (F18, 4062.6, False), (F18, 9000, False), (GA68, 4080, True)],
)
def test_a_half_life_that_is_not_the_nuclides(code: Any, half_life: float, suv: bool) -> None:
    made = headers()
    for header in made:
        drug = header.RadiopharmaceuticalInformationSequence[0]
        drug.RadionuclideHalfLife = half_life
        drug.RadionuclideCodeSequence = [item(CodeValue=code[0], CodingSchemeDesignator="SCT", CodeMeaning=code[1])]
    series = opened(made)
    assert (series.unit is Unit.SUV) == suv
    kept = [bare(to_bytes(header), Identity(), lambda text: "XXXXXX") for header in made]
    again = read([(f"{number}.dcm", data) for number, data in enumerate(kept)]).series[0]
    assert again.unit is series.unit  # the archive's copy is read alike
    np.testing.assert_array_equal(again.pixels, series.pixels)


@pytest.mark.parametrize(
    ("meaning", "name"),
    [("^18^Fluorine", "18F"), ("F-18", "18F"), ("^124^Iodine", "124I"), ("Zr 89", "89ZR"), ("Miller 18", ""), ("", "")],
)
def test_names_of_nuclides(meaning: str, name: str) -> None:
    assert nuclide(meaning) == name
