"""Sets of DICOM frames: where they lie, which share a place, and how they group by a fact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from core.imaging.dicom.facts import Fact
from core.imaging.dicom.frames import Frame
from core.imaging.geometry import slice_normal
from core.imaging.keys import natural
from core.imaging.slice_places import is_rounded, places_of, slice_distance

FEWEST_EVEN = 3

Groups = dict[tuple[str, ...], list[Frame]]


def offset_of(frame: Frame) -> float | None:
    """Millimetres along the slice normal; along z when the orientation is missing."""
    if frame.position is None:
        return None
    normal = np.array([0.0, 0.0, 1.0]) if frame.orientation is None else slice_normal(frame.orientation)
    return float(normal @ frame.position)


def offsets_of(frames: Sequence[Frame]) -> list[float]:
    """Offsets of the frames that have one."""
    return [offset for frame in frames if (offset := offset_of(frame)) is not None]


def crowd(frames: Sequence[Frame]) -> np.ndarray:
    """Number of images at every place, along the normal; empty where positions are missing."""
    return np.bincount(_places(frames))


def by_place(frames: Sequence[Frame]) -> list[list[Frame]]:
    """The images of every place, along the normal."""
    groups: dict[int, list[Frame]] = {}
    for place, frame in zip(_places(frames).tolist(), frames, strict=True):
        groups.setdefault(place, []).append(frame)
    return [groups[place] for place in sorted(groups)]


def by_side(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames by where their first pixel lies in the plane, within a pixel: two fields of view beside each other."""
    groups: list[tuple[np.ndarray, list[Frame]]] = []
    for frame in frames:
        if frame.position is None or frame.orientation is None or frame.spacing is None:
            return [list(frames)]
        axes = frame.orientation.reshape(2, 3) / np.array(frame.spacing[::-1])[:, None]
        at = axes @ frame.position
        for where, group in groups:
            if np.abs(at - where).max() <= 1:
                group.append(frame)
                break
        else:
            groups.append((at, [frame]))
    return [group for _, group in groups]


def excess(parts: Iterable[Sequence[Frame]]) -> int:
    """Images beyond one at each place, over all parts."""
    return sum(int((crowd(part) - 1).sum()) for part in parts)


def is_even(frames: Sequence[Frame]) -> bool:
    """Whether at least three images lie at one distance from one another."""
    offsets = np.sort(offsets_of(frames))
    if len(offsets) < FEWEST_EVEN:
        return False
    distance = slice_distance(offsets, frames[0].thickness)
    return distance is not None and not distance.uneven


def in_rounded_places(frames: Sequence[Frame]) -> list[Frame]:
    """Frames along the normal where only rounding made them share places; empty where it did not.

    Their numbers run along the normal, and the declared distance, rounded, gives their positions.
    """
    ordered = sorted(frames, key=by_number)
    offsets = np.array(offsets_of(ordered))
    if offsets[0] > offsets[-1]:
        ordered, offsets = ordered[::-1], offsets[::-1]
    thickness = ordered[0].thickness
    found = thickness is not None and (np.diff(offsets) >= 0).all() and is_rounded(offsets, thickness)
    return ordered if found else []


def by_facts(facts: Sequence[Fact], frames: Sequence[Frame]) -> Groups:
    """Frames by their values of some facts, empty where an image does not say, within each fact's tolerance."""
    same = [_tolerant(fact, frames) for fact in facts]
    groups: Groups = {}
    for frame in frames:
        values = [frame.facts.get(fact.name, "") for fact in facts]
        groups.setdefault(tuple(of.get(value, value) for of, value in zip(same, values, strict=True)), []).append(frame)
    return groups


def in_order(value: str) -> tuple[object, ...]:
    """Sort key of a fact's value: numbers by size, before texts in natural order."""
    try:
        return (0, float(value))
    except ValueError:
        return (1, natural(value))


def by_number(frame: Frame) -> tuple[object, ...]:
    """Sort key: InstanceNumber, frame within the file, path."""
    number, within = frame.order
    return (number is None, number or 0, within, natural(frame.path))


def _places(frames: Sequence[Frame]) -> np.ndarray:
    offsets = offsets_of(frames)
    return places_of(np.array(offsets), frames[0].thickness) if len(offsets) == len(frames) else np.empty(0, np.intp)


def _tolerant(fact: Fact, frames: Sequence[Frame]) -> dict[str, str]:
    """Value to the smallest value that counts as the same; nothing for facts without tolerance."""
    if not fact.tolerance:
        return {}
    numbers: dict[float, str] = {}
    for value in {frame.facts.get(fact.name, "") for frame in frames}:
        try:
            numbers[float(value)] = value
        except ValueError:
            continue
    same: dict[str, str] = {}
    begin = last = 0.0
    for number in sorted(numbers):
        if not same or number - last > fact.tolerance * abs(number):
            begin = number
        last = number
        same[numbers[number]] = numbers[begin]
    return same
