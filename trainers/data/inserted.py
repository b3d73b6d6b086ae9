"""PET cancer types, which no public set labels: lesions inserted into real projections without cancer.

Every canvas carries all three classes, so that only the pattern tells. "No cancer" gets physiological decoys, which
bear every trace of insertion without being cancer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import ContractError
from core.simulate.insertion import insert_lesion
from trainers.data.items import Item
from trainers.data.more_sets import pet_mip
from trainers.data.sets import reader

KIND = {"no cancer": "physiological", "breast cancer": "breast cancer", "prostate cancer": "prostate cancer"}
CLEAR = frozenset({"no-cancer", "no cancer"})


def with_lesions(items: Sequence[Item], seed: int, *, untouched: float = 0.0) -> tuple[list[Item], int]:
    """Three items for every projection without cancer: a decoy, a breast and a prostate pattern.

    Args:
        items: projections; those with cancer are passed over.
        seed: with the study's name decides every insertion, whatever else is in ``items``.
        untouched: share of the "no cancer" items that get no decoy.

    Returns:
        The items, and how many canvases were left out because their anatomy was not found.
    """
    out: list[Item] = []
    left_out = 0
    for item in items:
        if set(item.labels) - CLEAR:
            continue
        rng = np.random.default_rng([seed, *item.group.encode()])
        try:
            out += [_inserted(item, label, rng, untouched) for label in KIND]
        except ContractError:
            left_out += 1
    return out, left_out


def _inserted(item: Item, label: str, rng: np.random.Generator, untouched: float) -> Item:
    series = item.series
    plane = series.pixels[0]
    given = plane.astype(np.uint8) if series.value_range == (0.0, 255.0) else plane
    pixels, mask = insert_lesion(given, rng, kind=KIND[label], unit=series.unit)
    if label == "no cancer":
        mask = np.zeros_like(mask)
        if rng.random() < untouched:
            pixels = given
    changed = replace(series, pixels=pixels[None].astype(np.float32), truth=mask[None])
    return Item(changed, (label,), item.group, (f"{item.ids[0]} + {KIND[label]}",), item.split)


@reader
def pet_inserted(folder: Path, limit: int | None = None) -> list[Item]:
    """Lesions inserted into the no-cancer projections of ``pet-mip``; a fifth of "no cancer" is left as it was."""
    return with_lesions(pet_mip(folder, limit), 1, untouched=0.2)[0]


@reader
def pet_inserted_2(folder: Path, limit: int | None = None) -> list[Item]:
    """Other lesions in the same canvases."""
    return with_lesions(pet_mip(folder, limit), 2, untouched=0.2)[0]
