"""The stored validation predictions of a system, as the signals that label discrepancies are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.discrepancies.profile import Profiles, fit_profiles, logits, mask_signal
from core.discrepancies.ranking import MASK
from core.weights.predictions import EvidenceError, Part, load


@dataclass(frozen=True, eq=False)
class ValidationSignals:
    """Signals of several models on the validation images that all of them share.

    Attributes:
        ids, groups: ``(V,)`` text. finding: ``(V,)`` whether the label is a finding.
        signals: ``(V,)`` by name, as :func:`core.discrepancies.ranking.signals_of` names them.
    """

    ids: NDArray[Any]
    groups: NDArray[Any]
    finding: NDArray[np.bool_]
    signals: Mapping[str, NDArray[np.float64]]

    def profiles(self, recorded: Mapping[tuple[str, str], bool] | None = None) -> Profiles:
        """What the signals were worth; assumed profiles where there are too few images to tell.

        Args:
            recorded: labels by patient and image that replace the stored ones: when validation images are themselves
                under suspicion, nothing but their recorded label may be known of them.
        """
        told = recorded or {}
        rows = zip(self.groups, self.ids, self.finding, strict=True)
        finding = np.array([told.get((str(g), str(i)), bool(t)) for g, i, t in rows], dtype=bool)
        if not len(finding) or finding.all() or not finding.any():
            return Profiles({})
        return fit_profiles(self.signals, finding, self.groups)


def validation_signals(folder: Path, models: Sequence[str]) -> ValidationSignals:
    """Read the validation part of ``weights/<system>/<model>/predictions.parquet`` of some models.

    A model without usable predictions is passed over: its profile is then an assumed one.

    Args:
        folder: ``weights/<system>``. models: names of models.
    """
    parts: dict[str, Part] = {}
    for name in models:
        try:
            part = load(folder / name).part("validation")
        except EvidenceError:
            continue
        if part is not None:
            parts[name] = part
    if not parts:
        none = np.zeros(0, dtype=object)
        return ValidationSignals(none, none, np.zeros(0, dtype=bool), {})
    rows = [{str(i): row for row, i in enumerate(part.ids)} for part in parts.values()]
    shared = sorted(set(rows[0]).intersection(*rows[1:]))
    first, at = next(iter(parts.values())), np.array([rows[0][i] for i in shared], dtype=np.intp)
    signals: dict[str, NDArray[np.float64]] = {}
    masks: dict[str, NDArray[np.float64]] = {}
    for (name, part), places in zip(parts.items(), rows, strict=True):
        here = np.array([places[i] for i in shared], dtype=np.intp)
        signals[name] = logits(part.finding[here])
        if part.mask_pixels is not None:
            masks[MASK + name] = mask_signal(part.mask_pixels[here])
    return ValidationSignals(first.ids[at], first.groups[at], first.truth[at], signals | masks)
