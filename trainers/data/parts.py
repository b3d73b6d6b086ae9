"""The data of a recipe, split: which items train, which choose the threshold, which are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.systems import find_set, system
from core.weights.card import DataUse
from trainers.data.items import PUBLISHED, Item, fingerprint, split_groups, split_named
from trainers.data.planted import taught_places
from trainers.data.sets import folder_of, load_items
from trainers.data.simulated import simulated_items
from trainers.fitting.recipe import DataPart, Recipe, Split

PARTS = ("train", "validation", "test")

Load = Callable[[str], list[Item]]


@dataclass(frozen=True, eq=False)
class Parts:
    """Items by part of the split, and what the split was."""

    train: list[Item]
    validation: list[Item]
    test: list[Item]
    use: tuple[DataUse, ...]


def split_as(name: str) -> str:
    """The set whose split a set shares: itself, or another reader of the same patients."""
    declared = find_set(name)
    return declared.split_as or name if declared is not None else name


def read_parts(recipe: Recipe, folder: Path | None = None, *, limit: int | None = None) -> Parts:
    """Read the recipe's data and split it by group; simulated scans and inserted lesions join the training part only.

    Every label of a set takes part in its split, whether the recipe uses it or not, so that all recipes of a set with
    the same split settings hold back the same groups.

    Args:
        recipe: names the sets and the split.
        folder: data root; by default ``OVERREAD_DATA``.
        limit: take only so many groups of each set (for a quick trial).
    """
    found: dict[str, list[Item]] = {name: [] for name in PARTS}
    use = []

    def load(name: str) -> list[Item]:
        return load_items(name, folder / folder_of(name) if folder else None, limit=limit)

    for part in recipe.data:
        by_part, split = divided(part.name, recipe.split, load)
        by_part = {name: _known(items, part) for name, items in by_part.items()}
        by_part["train"] = _kept(by_part["train"], part, recipe.seed)
        counts = {name: sum(i.series.slices for i in some) for name, some in by_part.items()}
        share = part.simulated_share
        wanted = round(counts["train"] * share / (1 - share))
        declared = find_set(part.name)
        modality = recipe.contract.modality or (declared.modality if declared else "") or "PT"
        extra = simulated_items(recipe.system, wanted, recipe.seed, modality=modality)
        for name in PARTS:
            found[name] += [replace(item, source=part.name) for item in by_part[name]]
        found["train"] += [replace(item, source=part.name) for item in _known(extra, part)]
        if part.inserted:
            own = system(recipe.system)
            # a set of their own, so that balanced-sets draws them as often as each of the others
            places = taught_places(by_part["train"], part.labels, (own.plants, *own.decoys), part.inserted)
            found["train"] += [replace(item, source="inserted") for item in places]
        use.append(
            DataUse(
                name=part.name,
                licence=declared.licence if declared else "see its data card",
                train=counts["train"],
                validation=counts["validation"],
                test=counts["test"],
                groups={name: len({i.group for i in some}) for name, some in by_part.items()},
                split_fingerprint=fingerprint(split),
                simulated_share=share,
            )
        )
    return Parts(found["train"], found["validation"], found["test"], tuple(use))


def divided(name: str, how: Split, load: Load) -> tuple[dict[str, list[Item]], dict[str, str]]:
    """Items of a set by part, and the part of every group."""
    items = load(name)
    if how.named and all(i.split for i in items):
        split = split_named(items)
        own = [i for i in items if PUBLISHED.get(i.split or "") == split.get(i.group)]
        first = {i.group: i for i in reversed(own)}
        return {part: [i for g, i in sorted(first.items()) if split[g] == part] for part in PARTS}, split
    basis = items if split_as(name) == name else load(split_as(name))
    split = split_groups(basis, validation=how.validation, test=how.test, seed=how.seed)
    return {part: [i for i in items if split.get(i.group) == part] for part in PARTS}, split


def _known(items: list[Item], part: DataPart) -> list[Item]:
    return [i for i in items if all(label in part.labels for label in i.labels)]


def _kept(items: list[Item], part: DataPart, seed: int) -> list[Item]:
    """The share of the training groups that the recipe uses, drawn anew for each set."""
    if part.keep == 1:
        return items
    groups = sorted({i.group for i in items})
    rng = np.random.default_rng([seed, *part.name.encode()])
    chosen = set(rng.permutation(groups)[: max(1, round(part.keep * len(groups)))].tolist())
    return [i for i in items if i.group in chosen]
