"""Predictions and tables of a system, read and computed once for each version of the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.errors import OverreadError
from core.evidence import (
    Evidence,
    Table,
    breakdown,
    compare,
    masks,
    modalities,
    per_class,
    promise,
    subgroups,
    summary,
    together,
)
from core.systems import SYSTEMS
from core.systems.declaration import ModelSlot, System
from core.weights.fusion import Fusion, load_fusion
from core.weights.pairs import load_pairs
from core.weights.predictions import NoPredictionsError, fingerprint, held
from dashboard.kit.engine import engine

TABLES: dict[str, Callable[[Sequence[Evidence], str], Table | None]] = {
    "performance": summary.performance,
    "classes": per_class.table,
    "calibration": summary.calibration,
    "by-group": breakdown.by_group,
    "one-vs-rest": breakdown.one_vs_rest,
    "masks": masks.table,
    "mask-sizes": masks.sizes,
    "pairs": compare.pairs,
}


@dataclass(frozen=True)
class Predicted:
    """What there is for a system: models with predictions, and those without, with the reason.

    Attributes:
        models: the system's own, then what they say together: their ensemble, and two modalities fused.
        rule, pairs: for reading two modalities at one place; ``None`` where there are none.
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
    rule, pairs = load_fusion(home), load_pairs(home)
    key = (*(m.sha256 for m in models), "" if rule is None else rule.model_dump_json())
    return Predicted(system, (*models, *_together(key, models, rule, pairs)), tuple(without), rule, pairs)


def first_with_predictions() -> str:
    """The first system that has something to show, else the first of all."""
    for name, system in SYSTEMS.items():
        for slot in system.models:
            try:
                fingerprint(engine().weights / name / slot.name)
            except NoPredictionsError:
                continue
            return name
    return next(iter(SYSTEMS))


@st.cache_resource(show_spinner="Resampling the groups …", max_entries=32)
def _together(
    key: tuple[str, ...], _models: Sequence[Evidence], _rule: Fusion | None, _pairs: pd.DataFrame | None
) -> tuple[Evidence, ...]:
    found = (together.ensemble_evidence(_models), together.fusion_evidence(_models, _rule, _pairs))
    return tuple(one for one in found if one is not None)


def modality_table(found: Predicted, split: str) -> Table | None:
    """What each model is worth on MR, on PET and on both; ``None`` for systems of one modality."""
    return _modalities(found.key, split, found)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=16)
def _modalities(key: tuple[str, ...], split: str, _found: Predicted) -> Table | None:
    own = [m for m in _found.models if m.card.name not in (together.ENSEMBLE, together.FUSION)]
    return modalities.table(own, _found.rule, _found.pairs, split)


def table(name: str, found: Predicted, split: str) -> Table | None:
    """A table by its key in :data:`TABLES`."""
    return _table(name, found.key, split, found.models)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=128)
def _table(name: str, key: tuple[str, ...], split: str, _models: tuple[Evidence, ...]) -> Table | None:
    return TABLES[name](_models, split)


def kinds(found: Predicted, split: str) -> tuple[subgroups.Kind, ...]:
    """The ways in which the images can be divided into subgroups."""
    return subgroups.kinds_of(found.models, split, found.system.subgroup)


def by_subgroup(found: Predicted, split: str, kind: str) -> Table | None:
    """The table of one way to divide."""
    return _by_subgroup(found.key, split, kind, found.models)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=64)
def _by_subgroup(key: tuple[str, ...], split: str, kind: str, _models: tuple[Evidence, ...]) -> Table | None:
    return subgroups.table(_models, split, kind)


def conformal(found: Predicted, level: float) -> Table | None:
    """The conformal table at a level."""
    return _conformal(found.key, level, found.models)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=64)
def _conformal(key: tuple[str, ...], level: float, _models: tuple[Evidence, ...]) -> Table | None:
    return promise.table(_models, level)
