"""Lesions with known masks, inserted into clear slices: for sets that have no masks to hold a heat map against.

Some teach a network where a lesion lies; others, by other random numbers in slices of other patients, test its maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.errors import ContractError
from core.simulate.insertion import insert_lesion
from trainers.data.items import Item

TAUGHT = 7_368_787  # seeds of what is taught begin here: heat maps are tested with small ones


def taught_places(items: Sequence[Item], labels: Mapping[str, int], kinds: Sequence[str], rounds: int) -> list[Item]:
    """For every clear slice of the items one item with each kind of pattern, and that so many times anew.

    The first kind is what a network shall find, and its mask is known. The others are decoys that bear every trace of
    insertion: their mask is empty, and they keep the slice's label, so that only the pattern tells the two apart.

    Args:
        items: of the training part. labels: class of every label. Slices with a finding (above 0) get nothing, for what
            is in them has no mask; what is made of the others gets the first label with one.
        kinds: of :data:`core.simulate.insertion.KINDS`. rounds: of other random numbers each.
    """
    out, finding = [], next(label for label, number in labels.items() if number)
    for item in items:
        for index, label in enumerate(item.labels):
            if labels[label] or not item.counted:
                continue
            for number in range(rounds * len(kinds)):
                kind = kinds[number % len(kinds)]
                made = planted(item, index, kind, TAUGHT + number)
                if made is None:
                    break
                made = replace(made, labels=(finding if kind == kinds[0] else label,), inserted=True)
                if kind != kinds[0]:
                    assert made.series.truth is not None
                    made = replace(made, series=replace(made.series, truth=np.zeros_like(made.series.truth)))
                out.append(made)
    return out


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
