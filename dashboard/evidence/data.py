"""Predictions and tables of a system, read and computed once for each version of the files."""

from __future__ import annotations

import streamlit as st

from core.evidence import (
    Evidence,
    Table,
    modalities,
    promise,
    subgroups,
    together,
)
from core.evidence.catalogue import TABLES
from core.systems import SYSTEMS
from core.weights.predictions import NoPredictionsError, fingerprint
from dashboard.kit.engine import engine
from dashboard.kit.shelf import Predicted, shelf

__all__ = ["TABLES", "Predicted", "shelf"]


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


def _counted(found: Predicted, made: Table | None) -> Table | None:
    """A table that says patients where its system counts patients."""
    return None if made is None else made.in_terms(found.system.counted)


def modality_table(found: Predicted, split: str) -> Table | None:
    """What each model is worth on MR, on PET and on both; ``None`` for systems of one modality."""
    return _counted(found, _modalities(found.key, split, found))


@st.cache_data(show_spinner="Resampling …", max_entries=16)
def _modalities(key: tuple[str, ...], split: str, _found: Predicted) -> Table | None:
    own = [m for m in _found.models if m.card.name not in together.NAMES]
    return modalities.table(own, _found.rule, _found.pairs, split)


def table(name: str, found: Predicted, split: str) -> Table | None:
    """A table by its key in :data:`TABLES`."""
    return _counted(found, _table(name, found.key, split, found.models))


@st.cache_data(show_spinner="Resampling …", max_entries=128)
def _table(name: str, key: tuple[str, ...], split: str, _models: tuple[Evidence, ...]) -> Table | None:
    return TABLES[name](_models, split)


def kinds(found: Predicted, split: str) -> tuple[subgroups.Kind, ...]:
    """The ways in which the images can be divided into subgroups."""
    return subgroups.kinds_of(found.models, split, found.system.subgroup)


def by_subgroup(found: Predicted, split: str, kind: str) -> Table | None:
    """The table of one way to divide."""
    return _counted(found, _by_subgroup(found.key, split, kind, found.models))


@st.cache_data(show_spinner="Resampling …", max_entries=64)
def _by_subgroup(key: tuple[str, ...], split: str, kind: str, _models: tuple[Evidence, ...]) -> Table | None:
    return subgroups.table(_models, split, kind)


def conformal(found: Predicted, level: float) -> Table | None:
    """The conformal table at a level."""
    return _counted(found, _conformal(found.key, level, found.models))


@st.cache_data(show_spinner="Resampling …", max_entries=64)
def _conformal(key: tuple[str, ...], level: float, _models: tuple[Evidence, ...]) -> Table | None:
    return promise.table(_models, level)
