"""Which system fits a study, by rules on what the formats tell; the reviewer can overrule.

A picture without tags says little. Then shape and grey levels decide, cautiously: a guess is called a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.imaging.study import APART, Modality, Series, Study, Unit
from core.systems.catalogue import SYSTEMS
from core.systems.declaration import Look, System, Unnamed

if TYPE_CHECKING:
    from core.systems.router import Router, RouterAnswer

WHOLE_BODY_MM = 600.0  # a projection at least this tall shows a body, whatever part the tag names
MIN_SIDE = 8
NOT_TOLD_FROM_MR = (
    "The file does not say how it was made, and a picture of an MR examination can look like CT: if it is not CT, do "
    "not use the answers of {}."
)
SURE = 0.6  # probability from which on the router's word counts more than shape and grey levels


@dataclass(frozen=True)
class Match:
    """Answer of :func:`match`.

    Attributes:
        system: name of the system, or ``None`` when none fits.
        series_index: the series it should read.
        reason: why, in a sentence.
        certain: true when tags decided, false for a guess from the picture.
        alternatives: the other systems that accept one of the series.
        warnings: what to mind.
    """

    system: str | None
    series_index: int
    reason: str
    certain: bool = False
    alternatives: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def adapt(series: Series, system: System) -> Series:
    """The series as the system wants it: a picture uploaded to a projection system counts as a projection."""
    if series.unit is Unit.GREY and series.projection != system.projection:
        return replace(series, projection=system.projection)
    return series


def untold(system: System, series: Series) -> str:
    """The doubt that goes with every answer of a CT system on images that do not say they are CT; else empty."""
    doubtful = series.modality is Modality.UNKNOWN and system.modalities == {Modality.CT}
    return NOT_TOLD_FROM_MR.format(system.title) if doubtful else ""


def accepts(system: System, series: Series) -> str | None:
    """``None`` if the system may read the series, else the reason why not."""
    if series.modality is not Modality.UNKNOWN and series.modality not in system.modalities:
        wanted = " or ".join(sorted(m.value for m in system.modalities))
        return f"{system.title} reads {wanted} images, this series is {series.modality}."
    if series.unit is not Unit.GREY and series.projection != system.projection:
        what = "a whole-body projection" if system.projection == "mip-coronal" else "single slices"
        return f"{system.title} reads {what}; choose another series."
    if min(series.shape) < MIN_SIDE:
        return f"An image of {series.shape[1]} x {series.shape[0]} pixels is too small to read."
    return None


def match(study: Study, router: Router | None = None) -> Match:
    """Choose system and series for a study.

    Tags come first (modality and body part of DICOM, names of NIfTI files), then the picture itself: what the router
    takes it for where there is one and it is sure, else its shape and grey levels.
    """
    seen = {i: _look(series, router) for i, series in enumerate(study.series)}
    ranked = sorted(
        (
            (*_score(study.series[i], s, seen[i]), -i, s.name)
            for i in range(len(study.series))
            for s in SYSTEMS.values()
        ),
        key=lambda entry: (-entry[0], -entry[3], list(SYSTEMS).index(entry[4])),
    )
    fitting = [entry for entry in ranked if entry[0] > 0]
    if not fitting:
        return Match(None, 0, "No system reads this kind of image.", warnings=_warnings(study.series[0]))
    _, reason, certain, negative_index, name = fitting[0]
    others = tuple(dict.fromkeys(entry[4] for entry in fitting if entry[4] != name))
    index = -negative_index
    warnings = _warnings(study.series[index])
    if not certain:
        warnings = ("The kind of scan was guessed from the picture: check it.", *warnings)
        told = untold(SYSTEMS[name], study.series[index])
        warnings = (told, *warnings) if told else warnings
    return Match(name, index, reason, certain, others, warnings)


def _look(series: Series, router: Router | None) -> RouterAnswer | None:
    """What the router sees in a series without a body part."""
    if router is None or series.body_part or series.projection != "slice" or min(series.shape) < MIN_SIDE:
        return None
    return router.answer(series)


def _seen_as(system: System, seen: RouterAnswer | None) -> tuple[float, str]:
    """How well what the router sees fits a system, above 0 for the likeliest kind of scan only, and that kind.

    1.5 where it is sure; 1.2 where it would be, were the image a scan of some kind.
    """
    own = {scan.kind: seen.shares.get(scan.kind, 0.0) for scan in system.scans} if seen is not None else {}
    if seen is None or not own:
        return 0.0, ""
    scans = {scan.kind for one in SYSTEMS.values() for scan in one.scans}
    among = {kind: share for kind, share in seen.shares.items() if kind in scans}
    kind = max(own, key=lambda name: own[name])
    if own[kind] < max(among.values()):
        return 0.0, ""
    return (1.5 if own[kind] >= SURE else 1.2 if own[kind] >= SURE * sum(among.values()) else 0.0), kind


def _no_other_organ(series: Series, system: System, seen: RouterAnswer | None) -> bool:
    """Whether the router sees a part of the body, scanned in whatever way, rather than what another system reads."""
    if seen is None or series.modality not in system.elsewhere:
        return False
    rivals = {
        scan.kind
        for one in SYSTEMS.values()
        if one is not system and series.modality in one.modalities
        for scan in one.scans
    }
    scans = {scan.kind for one in SYSTEMS.values() for scan in one.scans}
    against = sum(share for kind, share in seen.shares.items() if kind in rivals)
    return sum(share for kind, share in seen.shares.items() if kind in scans - rivals) > against


def _score(series: Series, system: System, seen: RouterAnswer | None = None) -> tuple[float, str, bool]:
    if accepts(system, series) is not None:
        return 0.0, "", False
    if series.modality is Modality.UNKNOWN and series.sequences and system.reads_sequences:
        return 2.0, "no modality in the file; its three channels look like three MR sequences of a head", False
    if series.modality is Modality.UNKNOWN:
        fit, kind = _seen_as(system, seen)
        if seen is not None and fit:
            share = seen.shares[kind]
            sure = "over 99 %" if share > 0.99 else f"{share * 100:.0f} %"
            return fit, f"no modality in the file; it looks like a {kind} to the router, {sure} sure", False
        return _guess(series, system)
    part = (series.body_part or "").upper()
    if series.projection == "mip-coronal" and series.spacing is not None:
        height = series.shape[0] * series.spacing[1]
        if height >= WHOLE_BODY_MM:
            return 3.5, f"PET over {height / 10:.0f} cm from head to feet, read as a coronal projection", True
        return 0.3, f"a PET projection over only {height / 10:.0f} cm", False
    named = any(word in part for word in system.body_parts)
    if part and not named:
        why = f"{series.modality} of {part.lower()}, which {system.title} was not made for"
        return _of_another_part(series, system, part), why, False
    text = f"{series.description} {' '.join(series.tags.values())}".lower()
    told = any(word in text for word in system.words)
    if named and told:
        return 3.2, f"{series.modality} of the {part.lower()}, described as {series.description!r}", True
    if named:
        # Of two systems of one body part, the one without words reads what is not described.
        return (2.9 if system.words else 3.0), f"{series.modality} of the {part.lower()}", True
    unnamed = system.unnamed.get(series.modality, Unnamed())
    what = "PET slices" if (series.modality, series.projection) == (Modality.PT, "slice") else series.modality
    if unnamed.undescribed:
        return unnamed.score, f"{what} without a named body part", False
    if series.projection == "mip-coronal":
        return 2.5, "whole-body PET, read as a coronal projection", True
    if any(_mentions(text, word.lower()) for word in system.body_parts):
        score = 2.2 if told else 1.9 if system.words else 2.0
        return score, f"{series.modality}, described as {series.description!r}", True
    if series.modality in system.elsewhere and any(
        _mentions(series.description.lower(), word) for word in system.nearby
    ):
        return (
            1.8,
            f"{series.modality}, described as {series.description!r}, which {system.title} was not made for",
            False,
        )
    fit, kind = _seen_as(system, seen)
    if fit:
        return fit, f"{series.modality} without a named body part; it looks like a {kind} to the router", False
    if _no_other_organ(series, system, seen):
        return 1.1, f"{series.modality} without a named body part; it looks like another part of the body", False
    return unnamed.score, f"{what} without a named body part", False


def _of_another_part(series: Series, system: System, part: str) -> float:
    """How well a system fits a part of the body that it does not name: not at all where another one is nearer."""
    if series.modality in system.elsewhere:
        return 0.5
    rivals = (one for one in SYSTEMS.values() if one is not system and series.modality in one.modalities)
    nearer = any(series.modality in one.elsewhere or any(word in part for word in one.body_parts) for one in rivals)
    return 0.0 if nearer else 0.1


def _mentions(text: str, word: str) -> bool:
    """Whether a text has a word that starts so; a short one ("arm", "leg") must be the whole word: no "Armonk"."""
    end = r"s?(?![a-z])" if len(word) <= 3 else ""
    return re.search(rf"(?<![a-z]){re.escape(word)}{end}", text) is not None


def _guess(series: Series, system: System) -> tuple[float, str, bool]:
    """Guess from the shape and the grey levels of a picture or an unnamed volume."""
    height, width = series.shape
    plane = series.pixels[series.slices // 2].astype(np.float64)
    low, high = series.value_range or (float(plane.min()), float(plane.max()))
    grey = (plane - low) / max(high - low, 1e-6)
    border = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    dark = float((grey < 0.08).mean())
    look = Look(height, width, series.slices, border, dark)
    rules = sorted(((g.place, s.name, g.why) for s in SYSTEMS.values() for g in s.guesses), key=lambda rule: rule[:2])
    for _, name, why in rules:
        reason = why(look)
        if reason is not None:
            if name == system.name:
                return 1.0, f"no modality in the file; {reason}", False
            break
    return 0.2, f"no modality in the file; {system.title} is possible", False


def _warnings(series: Series) -> tuple[str, ...]:
    out = []
    if series.colour:
        out.append("The picture is in colour; scans are grey. Colour was converted to luminance.")
    plane = series.pixels[series.slices // 2]
    if float(plane.max()) - float(plane.min()) < 1e-6:
        out.append("The image is blank: one grey level everywhere.")
    if series.apart:
        out.append(APART)
    return tuple(out)
