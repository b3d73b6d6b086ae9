"""Lesions with known masks, inserted into clear slices: for sets that have no masks to hold a heat map against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import ContractError
from core.simulate.insertion import insert_lesion
from trainers.data.items import Item


def planted(item: Item, index: int, kind: str, seed: int) -> Item | None:
    """One slice of an item with a lesion in it, whose mask is the new item's truth.

    Args:
        item, index: the slice. kind: one of :data:`core.simulate.insertion.KINDS`.
        seed: with the slice's name decides place and looks.

    Returns:
        ``None`` where the anatomy that the lesion needs is not found in the slice.
    """
    series = item.series
    plane = series.pixels[index]
    given = plane.astype(np.uint8) if series.value_range == (0.0, 255.0) else plane
    rng = np.random.default_rng([seed, *item.ids[index].encode()])
    try:
        pixels, mask = insert_lesion(given, rng, kind=kind, unit=series.unit)
    except ContractError:
        return None
    changed = replace(
        series, pixels=pixels[None].astype(np.float32), truth=mask[None], names=(), padding=None, ai_result=None
    )
    return Item(changed, (kind,), item.group, (f"{item.ids[index]} + {kind}",), item.split, source=item.source)
