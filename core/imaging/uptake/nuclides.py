"""Half-lives of the nuclides that PET works with, to find a header whose half-life is another one's, or in minutes."""

from __future__ import annotations

import re

from pydicom import Dataset

# Seconds, from the evaluated nuclear data of the NNDC (NuDat 3); mass number and element name the nuclide.
_HALF_LIFE = {
    "11C": 1221.8,
    "13N": 597.9,
    "15O": 122.2,
    "18F": 6586.2,
    "44SC": 14551.2,
    "64CU": 45723.6,
    "68GA": 4062.6,
    "82RB": 75.5,
    "89ZR": 282276.0,
    "124I": 360806.4,
}
_ELEMENTS = {
    "CARBON": "C",
    "NITROGEN": "N",
    "OXYGEN": "O",
    "FLUORINE": "F",
    "FLUOR": "F",
    "SCANDIUM": "SC",
    "COPPER": "CU",
    "GALLIUM": "GA",
    "RUBIDIUM": "RB",
    "ZIRCONIUM": "ZR",
    "IODINE": "I",
}
_NAMED = re.compile(r"\^?(\d{2,3})m?\^?[ -]*([A-Z]+)|([A-Z]+)[ -]*\^?(\d{2,3})\^?")
_NEAR = 0.05  # what writers round, and what older data give for rubidium-82 and copper-64, lies within


def nuclide(meaning: str) -> str:
    """Mass number and element ("18F") of a code's meaning ("^18^Fluorine"); empty for anything but a known nuclide."""
    match = _NAMED.fullmatch(meaning.strip().upper())
    if match is None:
        return ""
    mass, element = match[1] or match[4], match[2] or match[3]
    name = f"{mass}{_ELEMENTS.get(element, element)}"
    return name if name in _HALF_LIFE else ""


def other_half_life(drug: Dataset, half_life: float) -> str:
    """Why the header's half-life is not its nuclide's, in a sentence; empty where it is, or no nuclide is named.

    Args:
        drug: item of the Radiopharmaceutical Information Sequence.
        half_life: that it states, in seconds.
    """
    code = next(iter(drug.get("RadionuclideCodeSequence") or ()), Dataset())
    known = _HALF_LIFE.get(nuclide(str(code.get("CodeMeaning", "") or "")))
    if known is None or abs(half_life / known - 1.0) <= _NEAR:
        return ""
    return f"RadionuclideHalfLife {half_life:g} s is not that of the nuclide that the header names ({known:g} s)."
