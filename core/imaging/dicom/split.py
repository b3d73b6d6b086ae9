"""The images of one DICOM series to volumes: told apart by what their headers say, copies counted once.

An image belongs to another volume where it differs in contrast (echo, b-value, magnitude or phase ...), and, where
several images show one place, in method or time. A fact that differs on every slice tells nothing apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from core.imaging.dicom.facts import FACTS, Fact, Kind
from core.imaging.dicom.frame_sets import (
    FEWEST_EVEN,
    Groups,
    by_facts,
    by_side,
    crowd,
    excess,
    in_order,
    in_rounded_places,
    is_even,
    offsets_of,
)
from core.imaging.dicom.frames import Frame
from core.imaging.dicom.repeats import copied, copies_note, ranked, ranking, repeats, without_copies
from core.imaging.geometry import plane_of, slice_normal

_SAME_DIRECTION = 0.01
_SAME_SPACING = 1e-3
_MOST_TAGS = 3
# they count shots of one volume as well as volumes
_SHOTS = ("AcquisitionNumber", "FrameReferenceTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime")
# one series has one of each; of images whose series was not named they tell which belong together
_OF_A_SERIES = ("InversionTime", "FlipAngle", "KVP", "ConvolutionKernel", "SliceThickness", "SequenceName",
                "ScanningSequence", "ImageType")  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """One thing that tells a volume from the others of its series.

    Attributes:
        words: "echo 2", "b=1000".
        plain: the same without any value of the header: "echo numbers 2 of 3".
        quoted: the words are text of the header, and may name somebody.
    """

    words: str
    plain: str
    quoted: bool = False


@dataclass(frozen=True, eq=False)
class Volume:
    """Images that belong together.

    Attributes:
        frames: at least one, in no order.
        marks: what tells them from the other volumes of their series.
        notes: what splitting found, in sentences.
    """

    frames: list[Frame]
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()

    def noted(self, *notes: str) -> Volume:
        """With further sentences, empty ones left out."""
        return replace(self, notes=(*self.notes, *filter(None, notes)))


def split_volumes(frames: Iterable[Frame]) -> list[Volume]:
    """Frames of an upload to volumes, in the order in which they came.

    Together stay frames of one series, size, modality, unit, orientation (within 0.01 of the direction cosines) and
    pixel spacing (within a thousandth), as far as their contrast, and at one place their method and time, are the same.
    """
    series: dict[object, dict[tuple[object, ...], list[list[Frame]]]] = {}
    for frame in frames:
        kind = (*frame.group, frame.position is None)
        alike = series.setdefault(frame.group[0], {}).setdefault(kind, [])
        for group in alike:
            if _one_grid(group[0], frame):
                group.append(frame)
                break
        else:
            alike.append([frame])
    return [part for kinds in series.values() for part in _grids([g for alike in kinds.values() for g in alike])]


def _grids(groups: list[list[Frame]]) -> list[Volume]:
    """Volumes of one series' groups by size, spacing and orientation; the groups' marks say in what they differ."""
    sizes = [" × ".join(str(side) for side in group[0].pixels.shape[::-1]) for group in groups]
    spacings = [" × ".join(f"{side:.4g}" for side in group[0].spacing or ()) for group in groups]
    planes = [None if f.orientation is None else plane_of(slice_normal(f.orientation)) for f, *_ in groups]
    words: list[list[str]] = [[] for _ in groups]
    for group, size, spacing, plane, own in zip(groups, sizes, spacings, planes, words, strict=True):
        if len(set(sizes)) > 1:
            own.append(f"{size} pixels")
        elif len(set(spacings)) > 1:
            own.append(f"pixels of {spacing} mm" if spacing else "no pixel size")
        if len(set(planes)) > 1 and group[0].orientation is not None:
            own.append(str(plane or "oblique"))
        if group[0].position is None and any(other[0].position is not None for other in groups):
            own.append("without position")
    found: list[Volume] = []
    for number, (group, own) in enumerate(zip(groups, words, strict=True), 1):
        said = own if words.count(own) == 1 else [*own, f"part {number} of {len(groups)}"]
        kept, copies = without_copies(group)
        volume = Volume(kept, tuple(Mark(word, word) for word in said)).noted(copies_note(copies))
        found += _contrasts(volume, FACTS)
    return found


def _one_grid(one: Frame, other: Frame) -> bool:
    pairs = ((one.orientation, other.orientation, _SAME_DIRECTION), (one.spacing, other.spacing, None))
    for mine, its, tolerance in pairs:
        if mine is None or its is None:
            if mine is not its:
                return False
            continue
        apart = np.abs(np.asarray(mine) - np.asarray(its))
        if (apart > (_SAME_SPACING * np.asarray(mine) if tolerance is None else tolerance)).any():
            return False
    return True


def _contrasts(volume: Volume, facts: Sequence[Fact]) -> list[Volume]:
    """Split by contrast wherever the images lie; each part then by what differs at one place.

    Where Series Instance UID was emptied, what one series has but once counts as contrast, too.
    """
    unnamed = not str(volume.frames[0].header.get("SeriesInstanceUID", "") or "")
    for number, fact in enumerate(facts):
        if fact.kind is not Kind.CONTRAST and not (unnamed and fact.name in _OF_A_SERIES):
            continue
        groups = by_facts((fact,), volume.frames)
        if len(groups) == 1:
            continue
        if len(groups) <= max(len(volume.frames) // fact.images_each, int(crowd(volume.frames).max(initial=1))):
            later = facts[number + 1 :]
            return [part for one in _parts(volume, (fact,), groups) for part in _contrasts(one, later)]
    return _each_once(volume, _crowded(volume))


def _each_once(volume: Volume, parts: list[Volume]) -> list[Volume]:
    """The parts of a volume without those that are another one, sent again under other UIDs, numbers or times."""
    again = copied([part.frames for part in parts])
    if not again:
        return parts
    left = [part for number, part in enumerate(parts) if number not in again]
    note = copies_note(sum(len(parts[number].frames) for number in again))
    if len(left) == 1:  # nothing is left that its marks would tell it from
        return [replace(volume, frames=left[0].frames).noted(note)]
    return [part.noted(note) for part in left]


def _crowded(volume: Volume) -> list[Volume]:
    """Split a volume that has several images at one place."""
    frames = volume.frames
    counts = crowd(frames)
    if not len(counts):
        return [volume]
    most = int(counts.max())
    if most == 1:
        return _woven(volume)
    rounded = in_rounded_places(frames)
    if rounded:
        return [replace(volume, frames=rounded)]
    sides = by_side(frames)
    if 1 < len(sides) <= 2 * most and excess(sides) == 0:
        marks = [Mark(words, words) for words in (f"field {n} of {len(sides)}" for n in range(1, len(sides) + 1))]
        return [
            part
            for side, mark in zip(sides, marks, strict=True)
            for part in _woven(replace(volume, frames=side, marks=(*volume.marks, mark)))
        ]
    one_place = len(counts) == 1
    before = excess([frames])
    most_parts = 2 * most if one_place else min(2 * most, len(frames) // 2)  # what differs on every image tells nothing
    usable: list[tuple[Fact, Groups]] = []
    for fact in FACTS:
        if fact.kind is Kind.CONTRAST or (fact.kind is Kind.TIME and one_place):
            continue
        groups = by_facts((fact,), frames)
        if fact.name in _SHOTS and most < len(groups) <= len(frames) // 2:
            shots = _shots(groups)
            if _are_beds(groups, shots):
                return [part for one in _parts(volume, (fact,), groups) for part in _woven(one)]
            if len(shots) <= most:
                numbered = replace(fact, words="time point {}".format)
                return [part for one in _parts(volume, (numbered,), shots) for part in _woven(one)]
        if 1 < len(groups) <= most_parts and excess(groups.values()) < before:
            usable.append((fact, groups))
    for count in range(1, _MOST_TAGS + 1):
        fitting = []
        for chosen in combinations([fact for fact, _ in usable], count):
            groups = by_facts(chosen, frames)
            if len(groups) <= most_parts and excess(groups.values()) == 0:
                fitting.append((len(groups), chosen, groups))
        if fitting:
            _, chosen, groups = min(fitting, key=lambda found: found[0])
            return [part for one in _parts(volume, chosen, groups) for part in _woven(one)]
    if one_place:
        return [replace(volume, frames=sorted(frames, key=ranking(frames)[0]))]
    if usable:
        fact, groups = min(usable, key=lambda found: excess(found[1].values()))
        return [part for one in _parts(volume, (fact,), groups) for part in _crowded(one)]
    return _ranked(volume) if float(np.median(counts)) > 1 else _repeated(volume)


def _shots(groups: Groups) -> Groups:
    """Parts that were taken one after the other, put together until a place would come twice."""
    volumes: list[list[Frame]] = []
    for value in sorted(groups, key=lambda found: in_order(found[0])):
        for frames in volumes:
            if crowd([*frames, *groups[value]]).max() == 1:
                frames += groups[value]
                break
        else:
            volumes.append(list(groups[value]))
    return {(str(number),): frames for number, frames in enumerate(volumes, 1)}


def _are_beds(groups: Groups, shots: Groups) -> bool:
    """Whether the parts are whole stacks that overlap at their ends, so that putting them together leaves gaps."""
    return all(map(is_even, groups.values())) and not all(map(is_even, shots.values()))


def _woven(volume: Volume) -> list[Volume]:
    """Split a stack of uneven distances whose parts are even and lie within one another, as jittered time points do."""
    frames = volume.frames
    if len(frames) < 2 * FEWEST_EVEN or is_even(frames):
        return [volume]
    for fact in FACTS:
        groups = by_facts((fact,), frames)
        if not 1 < len(groups) <= len(frames) // FEWEST_EVEN or not all(map(is_even, groups.values())):
            continue
        ends = [(min(offsets_of(part)), max(offsets_of(part))) for part in groups.values()]
        if max(low for low, _ in ends) < min(high for _, high in ends):
            return _parts(volume, (fact,), groups)
    return [volume]


def _ranked(volume: Volume) -> list[Volume]:
    ranks, name = ranked(volume.frames)
    note = f"The images of one place are told apart by their order ({name}) only."
    marks = [Mark(f"time point {rank}", f"time point {rank}") for rank in range(1, len(ranks) + 1)]
    return [
        replace(volume, frames=frames, marks=(*volume.marks, mark)).noted(note)
        for frames, mark in zip(ranks, marks, strict=True)
    ]


def _repeated(volume: Volume) -> list[Volume]:
    found = repeats(volume.frames)
    whole = replace(volume, frames=found.whole).noted(copies_note(found.copies))
    if not found.extra:
        return [whole]
    count = len(found.extra)
    words = f"{count} further images are" if count > 1 else "1 further image is"
    whole = whole.noted(f"Some places were taken again: {words} shown apart.")
    rest = replace(volume, frames=found.extra, marks=(*volume.marks, Mark("repeated", "repeated")))
    return [whole, *_crowded(rest)]


def _parts(volume: Volume, facts: Sequence[Fact], groups: Groups) -> list[Volume]:
    """The parts of a volume in the order of their values, each with its marks."""
    made = []
    common = [set.intersection(*(set(value.split("\\")) for value in column)) for column in zip(*groups, strict=True)]
    for number, values in enumerate(sorted(groups, key=lambda found: [in_order(value) for value in found]), 1):
        own = [" ".join(w for w in v.split("\\") if w not in same) or v for v, same in zip(values, common, strict=True)]
        marks = [_mark(fact, value, number, len(groups)) for fact, value in zip(facts, own, strict=True)]
        made.append(replace(volume, frames=groups[values], marks=(*volume.marks, *marks)))
    return made


def _mark(fact: Fact, value: str, number: int, count: int) -> Mark:
    name = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in fact.name).strip()
    plain = f"{name.removesuffix(' u i d').removesuffix(' i d')} {number} of {count}"
    words = fact.words(value) if fact.words is not None else ""
    return Mark(words or plain, plain, fact.quoted and bool(words))
