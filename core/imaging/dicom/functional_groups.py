"""Attributes of one frame: from its own functional group, the shared one, or the data set itself (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from pydicom import Dataset

_FARTHEST_MM = 1e6


def item(header: Dataset, index: int, group: str) -> Dataset | None:
    """First item of a functional group macro of frame ``index`` (from 0): its own, else the one shared by all."""
    frames = header.get("PerFrameFunctionalGroupsSequence")
    shared = header.get("SharedFunctionalGroupsSequence")
    own = frames[index] if frames and index < len(frames) else None
    for source in (own, shared[0] if shared else None):
        sequence = source.get(group) if source is not None else None
        if sequence:
            return sequence[0]
    return None


def value(header: Dataset, index: int, group: str, keyword: str) -> object:
    """An attribute of a frame by its macro, else of the data set; ``None`` when missing. ``group`` may be empty."""
    macro = item(header, index, group) if group else None
    found = macro.get(keyword) if macro is not None else None
    return header.get(keyword) if found is None else found


def values(header: Dataset, index: int, group: str, keyword: str) -> list[object]:
    """An attribute of one or several values as a list; empty when missing."""
    found = value(header, index, group, keyword)
    if found is None or found == "":
        return []
    return list(found) if isinstance(found, Iterable) and not isinstance(found, (str, bytes)) else [found]


def numbers(header: Dataset, index: int, group: str, keyword: str, count: int) -> np.ndarray | None:
    """Exactly ``count`` finite numbers as float64, or ``None``."""
    found = value(header, index, group, keyword)
    if not isinstance(found, Iterable) or isinstance(found, (str, bytes)):
        return None
    try:
        given = np.array([float(number) for number in found])
    except (TypeError, ValueError, OverflowError):
        return None
    plausible = given.shape == (count,) and bool((np.abs(given) < _FARTHEST_MM).all())
    return given if plausible else None


def number(header: Dataset, index: int, group: str, keyword: str) -> float | None:
    """A finite number; the first one of several (windows come in lists)."""
    return as_number(value(header, index, group, keyword))


def positive(header: Dataset, index: int, group: str, keyword: str) -> float | None:
    """A finite number above zero, or ``None``."""
    found = number(header, index, group, keyword)
    return found if found is not None and found > 0 else None


def text(header: Dataset, index: int, group: str, keyword: str) -> str:
    """An attribute as text; empty when missing."""
    return str(value(header, index, group, keyword) or "")


def as_number(found: object) -> float | None:
    """A value as a finite float, the first one of several; ``None`` when it is none."""
    if isinstance(found, Iterable) and not isinstance(found, (str, bytes)):
        found = next(iter(found), None)
    try:
        result = float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return result if np.isfinite(result) else None
