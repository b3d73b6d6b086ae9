"""The stored predictions of a system, and what its models say together, read once for each version of the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.errors import OverreadError
from core.evidence import Evidence, together
from core.imaging.study import Modality
from core.systems import SYSTEMS
from core.systems.declaration import ModelSlot, System
from core.weights.fusion import FUSION, Fusion, load_fusion
from core.weights.pairs import load_pairs
from core.weights.predictions import held
from dashboard.kit.engine import engine


@dataclass(frozen=True)
class Predicted:
    """What there is for a system: models with predictions, and those without, with the reason.

    Attributes:
        models: the system's own, then what they say together: their ensemble, and PET fused with MR and with CT.
        rule, pairs: for reading PET and MR at one place; ``None`` where there are none.
    """

    system: System
    models: tuple[Evidence, ...]
    without: tuple[tuple[ModelSlot, OverreadError], ...]
    rule: Fusion | None = None
    pairs: pd.DataFrame | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The same files have the same key."""
        return tuple(model.sha256 for model in self.models)


def shelf(name: str) -> Predicted:
    """Models of a system; a changed file is read afresh."""
    system = SYSTEMS[name]
    models: list[Evidence] = []
    without: list[tuple[ModelSlot, OverreadError]] = []
    for slot in system.models:
        folder = engine().weights / name / slot.name
        try:
            models.append(held(folder))
        except OverreadError as error:
            without.append((slot, error))
    home = engine().weights / name
    rules = {beside: (load_fusion(home, beside), load_pairs(home, beside)) for beside in FUSION}
    key = (*(m.sha256 for m in models), *("" if rule is None else rule.model_dump_json() for rule, _ in rules.values()))
    joint = _together(key, models, tuple(rules.values()))
    return Predicted(system, (*models, *joint), tuple(without), *rules[Modality.MR])


@st.cache_resource(show_spinner="Resampling the groups …", max_entries=32)
def _together(
    key: tuple[str, ...], _models: Sequence[Evidence], _rules: Sequence[tuple[Fusion | None, pd.DataFrame | None]]
) -> tuple[Evidence, ...]:
    fused = (together.fusion_evidence(_models, rule, pairs) for rule, pairs in _rules)
    found = (together.ensemble_evidence(_models), *fused)
    return tuple(one for one in found if one is not None)
