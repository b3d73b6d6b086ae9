"""What a note or a problem quotes of a header is a code of the standard, never a text that stands in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.errors import UnreadableFileError
from core.imaging import read
from tests.imaging.builders import CT, PET, dataset, named, noise, pet_tags, stack, to_bytes

NAME = "Quillwort"


def notes(**tags: Any) -> str:
    volume = np.full((2, 8, 8), 2500, dtype=np.uint16)
    study = read(named(stack(volume, **tags)))
    return " ".join(note for series in study.series for note in (*series.notes, series.description, *series.told_apart))


@pytest.mark.parametrize("keyword", ["Units", "DecayCorrection", "SUVType"])
@pytest.mark.parametrize("code", ["", "CNTS", "LBM", "NONE"])
def test_codes_of_pet(keyword: str, code: str) -> None:
    tags = pet_tags() | ({"Units": "GML"} if keyword == "SUVType" else {}) | {keyword: code or NAME.upper()}
    told = notes(sop_class=PET, modality="PT", **tags).casefold()
    assert NAME.casefold() not in told
    assert "not a known one" in told if not code else code.casefold() in told or "suv" in told


@pytest.mark.parametrize(("kind", "told"), [("US", "type US"), ("Z_EFF", "type Z_EFF"), (NAME, "(not a known one)")])
def test_the_type_of_a_rescale(kind: str, told: str) -> None:
    found = notes(sop_class=CT, modality="CT", RescaleSlope=1, RescaleIntercept=0, RescaleType=kind)
    assert told in found
    assert NAME not in found


@pytest.mark.parametrize(("space", "told"), [("HSV", "as HSV"), (NAME.upper(), "(not a known one)")])
def test_the_kind_of_colour(space: str, told: str) -> None:
    header = dataset(noise(8, 8), SamplesPerPixel=3, PlanarConfiguration=0)
    header.PixelData, header.PhotometricInterpretation = noise(8, 8, 3).tobytes(), space
    with pytest.raises(UnreadableFileError) as raised:
        read([("a.dcm", to_bytes(header))])
    assert told in raised.value.message
    assert NAME.upper() not in raised.value.message
