"""What every data reader yields, and group splits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.imaging.study import Series


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
    """

    series: Series
    labels: tuple[str, ...]
    group: str
    ids: tuple[str, ...]
    split: str | None = None
    simulated: bool = False


def split_groups(items: Sequence[Item], *, validation: float, test: float, seed: int) -> dict[str, str]:
    """Assign whole groups to ``train``, ``validation`` and ``test``, stratified by each group's main label.

    Returns:
        part by group. Independent of the order of the items.
    """
    votes: dict[str, dict[str, int]] = {}
    for item in items:
        counts = votes.setdefault(item.group, {})
        for label in item.labels:
            counts[label] = counts.get(label, 0) + 1
    strata: dict[str, list[str]] = {}
    for group, counts in votes.items():
        main = max(sorted(counts), key=lambda label: counts[label])
        strata.setdefault(main, []).append(group)
    rng = np.random.default_rng(seed)
    parts: dict[str, str] = {}
    for label in sorted(strata):
        groups = sorted(strata[label])
        rng.shuffle(groups)
        n_test, n_val = round(test * len(groups)), round(validation * len(groups))
        for place, group in enumerate(groups):
            parts[group] = "test" if place < n_test else "validation" if place < n_test + n_val else "train"
    return parts


def fingerprint(parts: dict[str, str]) -> str:
    """Short hash of a split: the same groups in the same parts give the same text."""
    text = "\n".join(f"{group}\t{part}" for group, part in sorted(parts.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
