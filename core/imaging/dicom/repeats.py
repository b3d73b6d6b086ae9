"""Images that headers do not tell apart: copies, repeats of a place, and volumes told apart by their order only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.imaging.dicom.frame_sets import by_number, by_place, in_order
from core.imaging.dicom.frames import Frame

_RANKED = ("FrameReferenceTime", "TriggerTime", "NominalCardiacTriggerDelayTime", "TemporalPositionIdentifier",
           "AcquisitionNumber", "AcquisitionDateTime", "AcquisitionTime", "ContentTime")  # fmt: skip


def without_copies(frames: Sequence[Frame]) -> tuple[list[Frame], int]:
    """The frames, each once, and how many copies there were.

    Frames that agree in pixels, place, number and every fact are one image, sent or saved more than once; without a
    place or a number the instance's UID must agree, too.
    """
    alike: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        place = None if frame.position is None else tuple(frame.position)
        named = str(frame.header.get("SOPInstanceUID", "") or "") if place is None or frame.order[0] is None else ""
        unnamed = frame.path if place is None and not named else ""
        alike.setdefault((place, frame.order, tuple(frame.facts.items()), named, unnamed), []).append(frame)
    kept: list[Frame] = []
    for group in alike.values():
        single: list[Frame] = []
        for frame in group:
            if not any(np.array_equal(frame.pixels, other.pixels) for other in single):
                single.append(frame)
        kept += single
    return kept, len(frames) - len(kept)


def copied(parts: Sequence[Sequence[Frame]]) -> set[int]:
    """Numbers of the parts that show the very pixels of an earlier one at its very places: a series sent twice.

    Parts that state another direction, time point or the like are no copies, however alike.
    """
    seen: dict[bytes, list[list[Frame]]] = {}
    found = set()
    for number, part in enumerate(parts if len(parts) > 1 else ()):
        if any(frame.position is None for frame in part):
            continue
        ordered = [frame for group in by_place(part) for frame in group]
        if np.ptp(ordered[len(ordered) // 2].pixels) == 0:
            continue  # blank images are alike without being copies
        alike = seen.setdefault(hashlib.sha256(ordered[len(ordered) // 2].pixels.tobytes()).digest(), [])
        if any(_same_images(ordered, other) for other in alike):
            found.add(number)
        else:
            alike.append(ordered)
    return found


def _same_images(one: Sequence[Frame], other: Sequence[Frame]) -> bool:
    return len(one) == len(other) and all(
        mine.position is not None
        and its.position is not None
        and _stated(mine) == _stated(its)
        and np.array_equal(mine.position, its.position)
        and np.array_equal(mine.pixels, its.pixels)
        for mine, its in zip(one, other, strict=True)
    )


def _stated(frame: Frame) -> dict[str, str]:
    """Facts of an image but for the time at which it was written."""
    return {name: value for name, value in frame.facts.items() if name != "ContentTime"}


def copies_note(count: int) -> str:
    """Sentence on copies; none for none."""
    if not count:
        return ""
    return (
        f"{count} image{'s are copies of others and count' if count > 1 else ' is a copy of another and counts'} once."
    )


def ranking(frames: Sequence[Frame]) -> tuple[Callable[[Frame], tuple[object, ...]], str]:
    """Sort key for the images of one place, and the name of the attribute that it goes by."""
    places = by_place(frames)
    for name in _RANKED:
        values = [[frame.facts.get(name, "") for frame in group] for group in places]
        if all(all(group) and len(set(group)) == len(group) for group in values):
            return lambda frame, name=name: in_order(frame.facts[name]), name  # type: ignore[misc]
    return by_number, "InstanceNumber"


def ranked(frames: Sequence[Frame]) -> tuple[list[list[Frame]], str]:
    """The first image of every place, the second of every place, and so on; and what the order goes by."""
    key, name = ranking(frames)
    ranks: list[list[Frame]] = []
    for group in by_place(frames):
        for rank, frame in enumerate(sorted(group, key=key)):
            if rank == len(ranks):
                ranks.append([])
            ranks[rank].append(frame)
    return ranks, name


@dataclass(frozen=True, eq=False)
class Repeats:
    """A stack of which few places were taken again.

    Attributes:
        whole: one image for every place. extra: the others. copies: how many were the same as the one kept.
    """

    whole: list[Frame]
    extra: list[Frame]
    copies: int


def repeats(frames: Sequence[Frame]) -> Repeats:
    """Of a place's images the one whose number its neighbours' numbers fit (a test slice or a re-sent one do not)."""
    groups = by_place(frames)
    alone = {place: float(group[0].order[0] or 0) for place, group in enumerate(groups) if len(group) == 1}
    whole: list[Frame] = []
    extra: list[Frame] = []
    copies = 0
    for place, group in enumerate(groups):
        first, *others = group
        if others:
            near = sorted(alone, key=lambda other, place=place: abs(other - place))[:2]  # type: ignore[misc]
            expected = float(np.mean([alone[other] for other in near])) if near else 0.0
            fits = sorted(group, key=lambda f, e=expected: (abs((f.order[0] or 0) - e), by_number(f)))  # type: ignore[misc]
            first, *others = fits
        again = [frame for frame in others if not np.array_equal(frame.pixels, first.pixels)]
        whole.append(first)
        extra += again
        copies += len(others) - len(again)
    return Repeats(whole, extra, copies)
