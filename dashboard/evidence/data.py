"""Predictions and tables of a system, read and computed once for each version of the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import OverreadError
from core.evidence import Evidence, Table, breakdown, compare, masks, promise, subgroups, summary
from core.systems import SYSTEMS
from core.systems.declaration import ModelSlot, System
from core.weights.predictions import NoPredictionsError, fingerprint, held
from dashboard.kit.engine import engine

TABLES: dict[str, Callable[[Sequence[Evidence], str], Table | None]] = {
    "performance": summary.performance,
    "calibration": summary.calibration,
    "by-group": breakdown.by_group,
    "one-vs-rest": breakdown.one_vs_rest,
    "masks": masks.table,
    "pairs": compare.pairs,
}


@dataclass(frozen=True)
class Shelf:
    """What there is for a system: models with predictions, and those without, with the reason."""

    system: System
    models: tuple[Evidence, ...]
    without: tuple[tuple[ModelSlot, OverreadError], ...]

    @property
    def key(self) -> tuple[str, ...]:
        """The same files have the same key."""
        return tuple(model.sha256 for model in self.models)


def shelf(name: str) -> Shelf:
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
    return Shelf(system, tuple(models), tuple(without))


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


def table(name: str, found: Shelf, split: str) -> Table | None:
    """A table by its key in :data:`TABLES`."""
    return _table(name, found.key, split, found.models)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=128)
def _table(name: str, key: tuple[str, ...], split: str, _models: tuple[Evidence, ...]) -> Table | None:
    return TABLES[name](_models, split)


def kinds(found: Shelf, split: str) -> tuple[subgroups.Kind, ...]:
    """The ways in which the images can be divided into subgroups."""
    return subgroups.kinds_of(found.models, split, found.system.subgroup)


def by_subgroup(found: Shelf, split: str, kind: str) -> Table | None:
    """The table of one way to divide."""
    return _by_subgroup(found.key, split, kind, found.models)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=64)
def _by_subgroup(key: tuple[str, ...], split: str, kind: str, _models: tuple[Evidence, ...]) -> Table | None:
    return subgroups.table(_models, split, kind)


def conformal(found: Shelf, level: float) -> Table | None:
    """The conformal table at a level."""
    return _conformal(found.key, level, found.models)


@st.cache_data(show_spinner="Resampling the groups …", max_entries=64)
def _conformal(key: tuple[str, ...], level: float, _models: tuple[Evidence, ...]) -> Table | None:
    return promise.table(_models, level)
