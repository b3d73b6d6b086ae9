"""The audit of a set as values, JSON and Markdown: numbers, each with what it counts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.audit.duplicates import Pairs, clusters, embedding_pairs, exact_sets, hash_pairs
from core.audit.fingerprint import Table
from core.audit.leakage import conflicting_sets, groups_on_both_sides, mixed_groups
from core.audit.shortcuts import Shortcut, combined_shortcut, shortcut_baselines

Watch = Callable[[str, float], None]  # told what is being done and the fraction done; may raise to end it


@dataclass(frozen=True)
class NearDuplicates:
    """Alike pictures on two sides (parts, else groups, else anywhere in the set).

    Attributes:
        method: what was compared and how close counts. between: the sides.
        pairs: alike pairs. pictures: pictures with at least one such partner.
        by_side: per part, pictures with a partner in another part; empty when the sides are groups.
    """

    method: str
    between: str
    pairs: int
    pictures: int
    by_side: dict[str, int]


@dataclass(frozen=True)
class AuditReport:
    """Everything the audit measured. Counts only: no names, so that it may be published with the set's card.

    Attributes:
        pictures: rows. distinct: different pictures by decoded pixels. flat: pictures without contrast, not compared.
        labels: pictures by label. parts: pictures by part and label. groups: number of groups, ``None`` if unknown.
        positive: what counts as positive. positives: pictures of it.
        copied: by label, pictures beyond the first of each identical set.
        copies_across_parts: by part and label, pictures whose identical copy lies in another part.
        copies_across_groups: pictures whose identical copy lies in another group.
        near: perceptual hashes and embeddings.
        near_clusters: clusters when identical and near pictures anywhere in the set are joined.
        leaking_groups: groups with pictures in more than one part. mixed_groups: groups with several labels.
        conflicts, conflict_pictures: identical pictures with different labels: sets, and pictures in them.
        shortcuts: strongest first. combined: all of them in one cross-validated logistic regression.
    """

    name: str
    pictures: int
    distinct: int
    flat: int
    labels: dict[str, int]
    parts: dict[str, dict[str, int]]
    groups: int | None
    positive: str
    positives: int
    copied: dict[str, int]
    copies_across_parts: dict[str, dict[str, int]]
    copies_across_groups: int | None
    near: tuple[NearDuplicates, ...]
    near_clusters: int
    leaking_groups: int | None
    mixed_groups: int | None
    conflicts: int
    conflict_pictures: int
    shortcuts: tuple[Shortcut, ...]
    combined: float
    interval_method: str

    @property
    def always_positive_accuracy(self) -> float:
        """Accuracy of a model that always answers positive; its AUC is 0.5."""
        return self.positives / self.pictures

    def to_json(self) -> str:
        """Indented JSON; undefined figures are ``null``."""

        def clean(value: Any) -> Any:
            if isinstance(value, float):
                return round(value, 6) if math.isfinite(value) else None
            if isinstance(value, dict):
                return {key: clean(one) for key, one in value.items()}
            return [clean(one) for one in value] if isinstance(value, (list, tuple)) else value

        content = clean({**asdict(self), "always_positive_accuracy": self.always_positive_accuracy})
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> AuditReport:
        """Read what :meth:`to_json` wrote; raises ``KeyError`` or ``TypeError`` when it is something else."""
        content = json.loads(text)
        del content["always_positive_accuracy"]
        nan = float("nan")
        known: list[dict[str, Any]] = [
            {key: nan if value is None else value for key, value in one.items()} for one in content["shortcuts"]
        ]
        content["shortcuts"] = tuple(Shortcut(**one) for one in known)
        content["near"] = tuple(NearDuplicates(**one) for one in content["near"])
        content["combined"] = nan if content["combined"] is None else content["combined"]
        return cls(**content)


def _count(values: NDArray[Any]) -> dict[str, int]:
    names, counts = np.unique(values, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _nested(first: NDArray[Any], second: NDArray[Any]) -> dict[str, dict[str, int]]:
    return {str(name): _count(second[first == name]) for name in np.unique(first)}


def _crossing(sets: list[NDArray[np.intp]], side: NDArray[Any], n: int) -> NDArray[np.bool_]:
    """``(n,)`` pictures that have an identical copy on another side."""
    crossing = np.zeros(n, dtype=bool)
    for rows in sets:
        if len(np.unique(side[rows])) > 1:
            crossing[rows] = True
    return crossing


def _near(method: str, between: str, pairs: Pairs, splits: NDArray[np.str_] | None) -> NearDuplicates:
    by_side = _count(splits[pairs.members]) if splits is not None and len(pairs) else {}
    return NearDuplicates(method, between, len(pairs), len(pairs.members), by_side)


def audit_table(
    name: str,
    table: Table,
    positive: str,
    *,
    features: NDArray[Any] | None = None,
    feature_name: str = "16 x 16 thumbnail",
    max_distance: int = 2,
    min_cosine: float = 0.99,
    resamples: int = 1000,
    seed: int = 0,
    watch: Watch | None = None,
) -> AuditReport:
    """Audit a set.

    Near duplicates are sought between parts when a split is given, else between groups, else anywhere: alike slices
    of one patient in one part are no fault.

    Args:
        positive: what the positive class is, in words.
        features: ``(N, F)`` of a model, for the embedding comparison; by default the thumbnails.
        max_distance: bits of 64, for both perceptual hashes. min_cosine: for embeddings.
        resamples, seed: of the intervals of the shortcuts.
        watch: told of every step; what it raises ends the audit.
    """
    tell = watch or (lambda _text, _fraction: None)
    n = len(table)
    side = table.splits if table.splits is not None else table.groups
    between = "parts" if table.splits is not None else "groups" if table.groups is not None else "pictures"
    embedding = table.thumbnails if features is None else features
    usable = ~table.flat
    # Sought once over the whole set, then narrowed to the two sides: the clusters need all of them.
    tell("Comparing hashes", 0.0)
    hashed = hash_pairs(table.hashes, max_distance, None, usable)
    tell("Comparing thumbnails", 0.2)
    embedded = embedding_pairs(embedding, min_cosine, None, usable)
    exact = exact_sets(table.sha256)
    chains = [Pairs(rows[:-1], rows[1:], np.zeros(len(rows) - 1)) for rows in exact]
    joined = clusters(n, hashed, embedded, *chains)
    extra = np.concatenate([np.array([], dtype=np.intp), *(rows[1:] for rows in exact)])
    across = np.zeros(n, dtype=bool) if table.splits is None else _crossing(exact, table.splits, n)
    conflicts = conflicting_sets(table.sha256, table.labels)
    units = table.groups if table.groups is not None else joined
    tell("Measuring shortcuts", 0.4)
    shortcuts = shortcut_baselines(table.features, table.positive, table.sha256, units, resamples, seed)
    tell("Shortcuts together", 0.9)
    combined = combined_shortcut(table.features, table.positive, units, seed)
    hash_words = f"DCT and gradient hash, both within {max_distance} of 64 bits"
    embedding_words = f"{feature_name if features is not None else '16 x 16 thumbnail'}, cosine >= {min_cosine:g}"
    return AuditReport(
        name=name,
        pictures=n,
        distinct=n - len(extra),
        flat=int(table.flat.sum()),
        labels=_count(table.labels),
        parts={} if table.splits is None else _nested(table.splits, table.labels),
        groups=None if table.groups is None else len(np.unique(table.groups)),
        positive=positive,
        positives=int(table.positive.sum()),
        copied=_count(table.labels[extra]),
        copies_across_parts={} if table.splits is None else _nested(table.splits[across], table.labels[across]),
        copies_across_groups=None if table.groups is None else int(_crossing(exact, table.groups, n).sum()),
        near=(
            _near(hash_words, between, _between(hashed, side), table.splits),
            _near(embedding_words, between, _between(embedded, side), table.splits),
        ),
        near_clusters=int(joined.max()) + 1,
        leaking_groups=None
        if table.splits is None or table.groups is None
        else len(groups_on_both_sides(table.groups, table.splits)),
        mixed_groups=None if table.groups is None else len(mixed_groups(table.groups, table.labels)),
        conflicts=len(conflicts),
        conflict_pictures=sum(len(rows) for rows in conflicts),
        shortcuts=shortcuts,
        combined=combined,
        interval_method=f"95 % percentile bootstrap, {resamples} resamples of {len(np.unique(units))} "
        + ("groups" if table.groups is not None else "clusters of near copies (no patient is known)"),
    )


def _between(pairs: Pairs, side: NDArray[Any] | None) -> Pairs:
    if side is None:
        return pairs
    keep = side[pairs.first] != side[pairs.second]
    return Pairs(pairs.first[keep], pairs.second[keep], pairs.value[keep])
