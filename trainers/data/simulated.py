"""The declared share of simulated scans in a training set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.simulate.phantom import LABELS, phantom
from trainers.data.items import Item


def simulated_items(system: str, count: int, seed: int, *, modality: str = "PT") -> list[Item]:
    """Single simulated scans for training, classes in turn; a third of them hard to see.

    Chest CT comes half in Hounsfield units, half as pictures, since both are uploaded.
    """
    items = []
    for number in range(count):
        label = LABELS[system][number % len(LABELS[system])]
        drawn = phantom(
            system,
            (seed + 1) * 1_000_003 + number,  # the built-in samples have small seeds: they are not trained on
            label,
            hard=number // len(LABELS[system]) % 3 == 2,  # of every class alike
            modality=modality,
            picture=number % 2 == 0,
        )
        series = replace(drawn.series, truth=np.asarray(drawn.truth, bool))
        name = f"simulated-{number:04d}"
        items.append(Item(series, (drawn.label,) * series.slices, name, (name,) * series.slices, "train", True))
    return items
