"""The simulated scans under the same audit: a drawing may give its class away by brightness alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.audit.fingerprint import Fingerprint, fingerprint
from core.audit.sets import NEGATIVE
from core.errors import DataLayoutError
from core.simulate import DRAWINGS, Drawing, Phantom, phantom

PREFIX = "simulated."


def simulated_label(system: str, number: int) -> str:
    """Label of one of the scans: the classes in turn.

    Raises:
        DataLayoutError: unknown system.
    """
    labels = _drawing(system).labels
    return labels[number % len(labels)]


def in_both(system: str) -> bool:
    """Whether a system's scans are drawn as PET and as MR, so that they make two sets."""
    return system in DRAWINGS and bool(DRAWINGS[system].modalities)


def _drawing(system: str) -> Drawing:
    if system not in DRAWINGS:
        raise DataLayoutError(f"No system {system!r} is simulated.", f"Known: {', '.join(DRAWINGS)}.")
    return DRAWINGS[system]


def simulated_scan(system: str, number: int, seed: int = 0, modality: str = "PT") -> Phantom:
    """One of the simulated scans that are audited; a third of them are hard to see.

    Args:
        system: one of ``core.simulate.DRAWINGS``. number: which scan, from 0. seed: of the first scan.
        modality: ``PT`` or ``MR``, for a system drawn in both.

    Raises:
        DataLayoutError: unknown system.
    """
    label = simulated_label(system, number)
    # The hard third must not coincide with one of three classes taken in turn.
    hard = (number // len(_drawing(system).labels)) % 3 == 2
    return phantom(system, seed + number, label, hard=hard, modality=modality, picture=True)


def simulated_fingerprints(system: str, count: int = 240, seed: int = 0, modality: str = "PT") -> Iterator[Fingerprint]:
    """Fingerprints of the first ``count`` scans of :func:`simulated_scan`."""
    for number in range(count):
        drawn = simulated_scan(system, number, seed, modality)
        pixels, label = np.asarray(drawn.series.pixels[0]), drawn.label
        yield fingerprint(f"{system}-{number}", pixels, label, label not in NEGATIVE, group=str(number))
