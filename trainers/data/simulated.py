"""The declared share of simulated scans in a training set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import DataLayoutError
from core.simulate import DRAWINGS, phantom
from trainers.data.items import Item


def simulated_items(system: str, count: int, seed: int, *, modality: str = "PT") -> list[Item]:
    """Single simulated scans for training, classes in turn; a third of them hard to see.

    Chest CT comes half in Hounsfield units, half as pictures, since both are uploaded.

    Raises:
        DataLayoutError: some are wanted of a system that has no drawing.
    """
    if count == 0:
        return []
    if system not in DRAWINGS:
        raise DataLayoutError(f"The scans of {system} cannot be simulated.", "Set simulated_share to 0 in the recipe.")
    items, labels = [], DRAWINGS[system].labels
    for number in range(count):
        label = labels[number % len(labels)]
        drawn = phantom(
            system,
            (seed + 1) * 1_000_003 + number,  # the built-in samples have small seeds: they are not trained on
            label,
            hard=number // len(labels) % 3 == 2,  # of every class alike
            modality=modality,
            picture=number % 2 == 0,
        )
        series = replace(drawn.series, truth=np.asarray(drawn.truth, bool))
        name = f"simulated-{number:04d}"
        items.append(Item(series, (drawn.label,) * series.slices, name, (name,) * series.slices, "train", True))
    return items
