"""What every data reader yields, and group splits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import DataLayoutError
from core.imaging.study import Series

PUBLISHED = {"train": "train", "valid": "validation", "val": "validation", "validation": "validation", "test": "test"}


@dataclass(frozen=True, eq=False)
class Item:
    """One series with a label per slice.

    Attributes:
        series: the images; ``series.truth`` holds the masks where the set has them.
        labels: label text per slice.
        group: patient or group: never on two sides of a split.
        ids: identifier per slice, as in the set's index.
        split: named part the set's publisher put it in, when there is one.
        simulated: drawn, not scanned: trained on, never counted.
        inserted: scanned, with a lesion or a decoy put in: trained on, never counted.
        source: the data part of the recipe it comes from.
    """

    series: Series
    labels: tuple[str, ...]
    group: str
    ids: tuple[str, ...]
    split: str | None = None
    simulated: bool = False
    source: str = ""
    inserted: bool = False

    @property
    def counted(self) -> bool:
        """Whether a model is judged by it."""
        return not self.simulated and not self.inserted


def split_groups(items: Sequence[Item], *, validation: float, test: float, seed: int) -> dict[str, str]:
    """Assign whole groups to ``train``, ``validation`` and ``test``, stratified by each group's main label.

    Returns:
        part by group. Independent of the order of the items.
    """
    strata = _by_main_label(items)
    rng = np.random.default_rng(seed)
    parts: dict[str, str] = {}
    for label in sorted(strata):
        groups = sorted(strata[label])
        rng.shuffle(groups)
        n_test, n_val = round(test * len(groups)), round(validation * len(groups))
        for place, group in enumerate(groups):
            parts[group] = "test" if place < n_test else "validation" if place < n_test + n_val else "train"
    # A handful of groups rounds to none: then one is spared, or there would be nothing to judge by.
    for wanted in ("validation", "test"):
        spare = sorted(group for group, part in parts.items() if part == "train")
        if wanted not in parts.values() and len(spare) > 1:
            parts[spare[-1]] = wanted
    return parts


def fold_groups(items: Sequence[Item], folds: int) -> dict[str, int]:
    """Deal whole groups into folds 0, 1, ..., label by label in turn, always alike.

    Returns:
        fold by group. Independent of the order of the items.
    """
    rng = np.random.default_rng(7)
    strata = _by_main_label(items)
    dealt: list[str] = []
    for label in sorted(strata):
        groups = sorted(strata[label])
        rng.shuffle(groups)
        dealt += groups
    return {group: place % folds for place, group in enumerate(dealt)}


def _by_main_label(items: Sequence[Item]) -> dict[str, list[str]]:
    """Groups by the label that most of their slices have."""
    votes: dict[str, dict[str, int]] = {}
    for item in items:
        counts = votes.setdefault(item.group, {})
        for label in item.labels:
            counts[label] = counts.get(label, 0) + 1
    strata: dict[str, list[str]] = {}
    for group, counts in votes.items():
        strata.setdefault(max(sorted(counts), key=lambda label: counts[label]), []).append(group)
    return strata


def split_named(items: Sequence[Item]) -> dict[str, str]:
    """Part by group as the publisher named it, for sets whose groups are the copies of one picture.

    Copies in several parts count for the first of train, validation and test only, so that nothing that is measured
    on was trained on. A group whose copies carry different labels is in no part.
    """
    order = ("train", "validation", "test")
    parts: dict[str, str] = {}
    labels: dict[str, set[str]] = {}
    for item in items:
        part = PUBLISHED.get(item.split or "")
        if part is None:
            raise DataLayoutError(f"The index names a part {item.split!r}.", f"Known are {', '.join(PUBLISHED)}.")
        known = parts.get(item.group, part)
        parts[item.group] = min(part, known, key=order.index)
        labels.setdefault(item.group, set()).update(item.labels)
    return {group: part for group, part in parts.items() if len(labels[group]) == 1}


def fingerprint(parts: dict[str, str]) -> str:
    """Short hash of a split: the same groups in the same parts give the same text."""
    text = "\n".join(f"{group}\t{part}" for group, part in sorted(parts.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
