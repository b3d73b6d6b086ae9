"""Where one part of a set knows what another should not, and where labels contradict each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.audit.duplicates import exact_sets


def _values_by(key: NDArray[np.str_], value: NDArray[np.str_]) -> dict[str, tuple[str, ...]]:
    """Distinct values of every key that has more than one."""
    pairs = np.unique(np.stack([key.astype(str), value.astype(str)], axis=1), axis=0)
    found: dict[str, list[str]] = {}
    for name, one in pairs:
        found.setdefault(str(name), []).append(str(one))
    return {name: tuple(values) for name, values in found.items() if len(values) > 1}


def groups_on_both_sides(groups: NDArray[np.str_], splits: NDArray[np.str_]) -> dict[str, tuple[str, ...]]:
    """Groups (patients) with pictures in more than one part, and those parts."""
    return _values_by(groups, splits)


def mixed_groups(groups: NDArray[np.str_], labels: NDArray[np.str_]) -> dict[str, tuple[str, ...]]:
    """Groups with more than one label, and those labels. A fault only where the label belongs to the patient."""
    return _values_by(groups, labels)


def conflicting_sets(sha256: NDArray[np.str_], labels: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    """Rows of identical pictures that carry different labels."""
    return [rows for rows in exact_sets(sha256) if len(np.unique(labels[rows])) > 1]
