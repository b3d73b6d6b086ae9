"""Rows beside the shipped models: what they say together, published recipes; and the ROC curves of all."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import ModelUnavailableError
from core.evidence import Evidence, Part, summary
from core.statistics import Interval
from core.systems.declaration import PublishedRecipe, System
from core.weights.folder import load_card
from dashboard.kit import charts, words
from dashboard.kit.engine import engine
from dashboard.kit.shelf import shelf
from dashboard.models import cells


@st.cache_data(show_spinner=False, max_entries=32)
def _figures_of(sha256: str, _part: Part) -> dict[str, Interval]:
    return summary.part_rates(_part)


def joint(one: Evidence, shown: Sequence[str]) -> str:
    """What models say together, on the test images that they share."""
    part = one.part("test")
    if part is None or not part.has_both:
        return ""
    figures = _figures_of(one.sha256, part)
    body_cells = "".join(cells.interval(figures.get(name)) for name in shown)
    about = (
        one.card.architecture,
        f"versions {one.card.version}",
        f"n = {part.n} of {words.counted(part.group_count, one.card.system)}",
    )
    body = "".join(f"<div class='quiet'>{words.cell(line)}</div>" for line in about)
    return (
        f"<tr><th scope='row'>{words.cell(one.card.title)}{body}</th><td>from stored predictions</td>{body_cells}"
        f"<td>{cells.threshold(one.card.threshold)}</td><td>–</td><td>–</td></tr>"
    )


def classic_row(system: System, classic: PublishedRecipe, shown: Sequence[str]) -> str:
    """A published recipe with its figures where it was trained, else how to train it."""
    title = f"{words.cell(classic.title)}<div class='quiet'>{words.cell(classic.name)}</div>"
    try:
        card = load_card(engine().weights / system.name / classic.name)
    except ModelUnavailableError:
        said = f"published recipe, not trained here: python -m trainers train --recipe {classic.recipe}"
        return f"<tr class='base'><th scope='row'>{title}</th><td colspan='{len(shown) + 4}'>{said}</td></tr>"
    figures = "".join(cells.stored(card, name) for name in shown)
    size = f"{card.parameters / 1e6:.1f} million"
    return (
        f"<tr><th scope='row'>{title}</th><td>published recipe, trained here; for comparison only</td>{figures}"
        f"<td>{cells.threshold(card.threshold)}</td><td>{size}</td><td>–</td></tr>"
    )


@st.fragment
def curves(system: System) -> None:
    """The ROC curves of all models and of what they say together, on the test part, where asked for."""
    found = shelf(system.name)
    if any(m.part("test") is not None for m in found.models) and st.toggle("ROC curves", key=f"roc-{system.name}"):
        chart = _roc(found.key, found.models)
        st.plotly_chart(chart.figure, key=f"models-roc-{system.name}", alt=chart.alt)


@st.cache_resource(show_spinner="Drawing …", max_entries=16)
def _roc(key: tuple[str, ...], _models: Sequence[Evidence]) -> charts.Chart:
    return charts.roc(_models, "test")
