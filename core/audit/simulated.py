"""The simulated scans under the same audit: a drawing may give its class away by brightness alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.audit.fingerprint import Fingerprint, fingerprint
from core.audit.sets import NEGATIVE
from core.errors import DataLayoutError
from core.simulate import LABELS, phantom
from core.simulate.phantom import Phantom

PREFIX = "simulated."


def simulated_label(system: str, number: int) -> str:
    """Label of one of the scans: the classes in turn.

    Raises:
        DataLayoutError: unknown system.
    """
    if system not in LABELS:
        raise DataLayoutError(f"No system {system!r} is simulated.", f"Known: {', '.join(LABELS)}.")
    return LABELS[system][number % len(LABELS[system])]


def simulated_scan(system: str, number: int, seed: int = 0, modality: str = "PT") -> Phantom:
    """One of the simulated scans that are audited; a third of them are hard to see.

    Args:
        system: one of ``core.simulate.LABELS``. number: which scan, from 0. seed: of the first scan.
        modality: ``PT`` or ``MR``; of account for mr-pet only.

    Raises:
        DataLayoutError: unknown system.
    """
    label = simulated_label(system, number)
    # The hard third must not coincide with one of three classes taken in turn.
    hard = (number // len(LABELS[system])) % 3 == 2
    return phantom(system, seed + number, label, hard=hard, modality=modality, picture=system != "mr-pet")


def simulated_fingerprints(system: str, count: int = 240, seed: int = 0, modality: str = "PT") -> Iterator[Fingerprint]:
    """Fingerprints of the first ``count`` scans of :func:`simulated_scan`."""
    for number in range(count):
        drawn = simulated_scan(system, number, seed, modality)
        pixels, label = np.asarray(drawn.series.pixels[0]), drawn.label
        yield fingerprint(f"{system}-{number}", pixels, label, label not in NEGATIVE, group=str(number))
