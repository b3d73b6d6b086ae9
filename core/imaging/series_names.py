"""What to call a series among others: "T1 axial", "CT lung kernel axial", "PET, projection made here".

A name is made of technical tags that were kept on entry, of the geometry, and of words from a closed list: nothing that
could name a person is ever added to what the description already shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.imaging.study import Modality, Series

SHORT = {Modality.PT: "PET", Modality.MR: "MR", Modality.CT: "CT"}
# Words that say which images they are, as scanners and data sets write them in descriptions and file names.
KNOWN = {
    "t1": "T1",
    "t1w": "T1",
    "t2": "T2",
    "t2w": "T2",
    "t2star": "T2*",
    "flair": "FLAIR",
    "stir": "STIR",
    "dwi": "DWI",
    "adc": "ADC",
    "swi": "SWI",
    "pd": "PD",
    "pet": "PET",
    "suv": "PET",
    "ct": "CT",
    "mip": "MIP",
}
_PLANES = {"axial", "ax", "tra", "transversal", "sagittal", "sag", "coronal", "cor"}
_SHORT_TR, _LONG_TR, _SHORT_TE, _LONG_TE = 1000.0, 2000.0, 30.0, 80.0  # ms, spin echo
_FLUID_TI, _FAT_TI = 1500.0, 250.0  # ms: inversion that nulls fluid from, fat up to, at 1.5 to 3 T


def names_of(series: Sequence[Series]) -> tuple[str, ...]:
    """Names by which the series of a study can be told apart, in their order."""
    names = [name_of(one) for one in series]
    if len(set(names)) < len(names):
        names = [
            f"{name}, {counted}" if names.count(name) > 1 and not name.endswith(f", {counted}") else name
            for name, counted in zip(names, map(_counted, series), strict=True)
        ]
    return tuple(
        f"{name} ({names[:place].count(name) + 1} of {names.count(name)})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    )


def _counted(series: Series) -> str:
    return f"{series.slices} {'slice' if series.slices == 1 else 'slices'}"


def name_of(series: Series) -> str:
    """The name of a series by itself."""
    modality = SHORT.get(series.modality, "")
    if series.turned is not None:
        return f"{modality or 'PET'}, from {series.slices} sides"
    if series.projection != "slice":
        return f"{modality or 'PET'}, projection made here"
    said = _described(series) or _weighted(series) or _from_words(series) or modality
    if not said:
        return series.description
    words = {word.lower() for word in re.split(r"[^A-Za-z0-9*]+", said)}
    plane = f" {series.plane}" if series.plane is not None and not words & _PLANES else ""
    return ", ".join(dict.fromkeys([f"{said}{plane}", *series.told_apart]))


def _described(series: Series) -> str:
    """The scanner's own words for the series, or the protocol's."""
    said = series.tags.get("SeriesDescription") or series.tags.get("ProtocolName") or ""
    return " ".join(said.replace("_", " ").split())


def _weighted(series: Series) -> str:
    """The weighting of an MR spin echo by its times, in the textbook's limits; empty where they do not tell."""
    if series.modality is not Modality.MR or not re.search(r"SE|IR", series.tags.get("ScanningSequence", "")):
        return ""
    repetition, echo, inversion = (_ms(series, name) for name in ("RepetitionTime", "EchoTime", "InversionTime"))
    if inversion is not None and inversion >= _FLUID_TI:
        return "FLAIR"
    if inversion is not None and 0 < inversion <= _FAT_TI:
        return "STIR"
    if repetition is None or echo is None:
        return ""
    if repetition <= _SHORT_TR and echo <= _SHORT_TE:
        return "T1"
    if repetition >= _LONG_TR:
        return "T2" if echo >= _LONG_TE else "PD" if echo <= _SHORT_TE else ""
    return ""


def _from_words(series: Series) -> str:
    """What a file's name says in words of the closed list."""
    words = re.split(r"[^a-z0-9]+", series.description.lower())
    found = list(dict.fromkeys(KNOWN[word] for word in words if word in KNOWN))
    return " ".join(found)


def _ms(series: Series, name: str) -> float | None:
    try:
        return float(series.tags.get(name, ""))
    except ValueError:
        return None
