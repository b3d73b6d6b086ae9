"""How the heat maps of each model fared on validation patients: a table, and one line for a single map."""

from __future__ import annotations

import streamlit as st

from core.evidence import Table
from core.evidence.heat_maps import METHODS, heat_map_table
from core.systems import SYSTEMS
from core.weights.card import Metric, ModelCard
from core.weights.heat_checks import HeatChecks, load_checks
from dashboard.kit import tables
from dashboard.kit.engine import engine


def heat_check_table(system: str) -> None:
    """Table of all models of a system, or why there is none."""
    table = table_of(system)
    if table is None:
        st.caption(
            "The heat maps of these models have not been tested on validation patients yet "
            f"(python -m trainers heat-checks --system {system})."
        )
        return
    tables.show(table, f"overread-{system}")


def table_of(system: str) -> Table | None:
    """The table of the models that were tested; ``None`` where none was."""
    found = [c for c in (checks_of(state.card) for state in engine().states(system) if state.card) if c is not None]
    if not found:
        return None
    made = heat_map_table(SYSTEMS[system].title, [(_title(c), c) for c in found])
    return made.in_terms(SYSTEMS[system].counted)


def line(card: ModelCard | None, method: str) -> str:
    """What is known about a model's maps by one method, in a sentence; empty where nothing is."""
    checks = checks_of(card) if card else None
    figures = checks.methods.get(method) if checks else None
    if checks is None or figures is None:
        return ""
    parts = []
    if figures.hit is not None:
        chance = f", {figures.chance:.0%} by chance" if figures.chance is not None else ""
        which = "a lesion inserted for the test" if figures.planted else "the lesion"
        parts.append(f"its hottest point hit {which} on {_share(figures.hit)} of slices{chance}")
    if figures.ahead is not None and figures.marked is not None and figures.random is not None:
        parts.append(
            f"removing what it marks lowered the answer by {figures.marked.value:.2f}, random parts by "
            f"{figures.random.value:.2f} (difference {_interval(figures.ahead)})"
        )
    if not parts:
        return ""
    where = f"{checks.slices} slices with a finding of {checks.groups} validation patients"
    return f"{METHODS.get(method, method)} of this model on {where}: {'; '.join(parts)}."


def warning(card: ModelCard | None, method: str) -> None:
    """Says it where a model's maps by this method failed on validation patients."""
    checks = checks_of(card) if card else None
    figures = checks.methods.get(method) if checks else None
    if figures is not None and figures.failings:
        name = METHODS.get(method, method)
        st.caption(
            f":orange[:material/warning: **{name} failed on validation patients**]: {'; '.join(figures.failings)}."
        )


def checks_of(card: ModelCard) -> HeatChecks | None:
    """The stored checks of an installed model; ``None`` when they belong to other weights."""
    return load_checks(engine().weights / card.system / card.name, card)


def _title(checks: HeatChecks) -> str:
    slots = [slot.title for slot in SYSTEMS[checks.system].models if slot.name == checks.name]
    return slots[0] if slots else checks.name


def _share(figure: Metric) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.0%}"
    return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})"


def _interval(figure: Metric) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f}, {figure.low:.2f} to {figure.high:.2f}"
