"""Which figures a system has, and how one is put on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.evidence import Evidence
from core.evidence.summary import parts_of
from dashboard.evidence import masks as evidence_masks
from dashboard.evidence.data import Predicted
from dashboard.kit import charts as evidence_charts
from dashboard.kit.charts import Chart

SAVE_AS = "evidence-save-as"


def curves(found: Predicted, split: str) -> list[Chart]:
    """ROC and precision-recall."""
    return _figures("curves", found.key, split, found.models)


def calibration(found: Predicted, split: str) -> list[Chart]:
    """A reliability diagram for each model."""
    return _figures("calibration", found.key, split, found.models)


def decision(found: Predicted, split: str) -> list[Chart]:
    """The decision curve."""
    return _figures("decision", found.key, split, found.models)


def masks(found: Predicted, split: str) -> list[Chart]:
    """Dice of all segmenters, then the Bland-Altman plot of each."""
    return _figures("masks", found.key, split, found.models)


def scores(found: Predicted, split: str) -> list[Chart]:
    """A score histogram for each model, at the stored threshold."""
    return _figures("scores", found.key, split, found.models)


def confusion(found: Predicted, split: str) -> list[Chart]:
    """A confusion matrix for each model."""
    return _figures("confusion", found.key, split, found.models)


def one_vs_rest(found: Predicted, split: str) -> list[Chart]:
    """The curves of every class for each model of several."""
    return _figures("one-vs-rest", found.key, split, found.models)


def every(found: Predicted, split: str) -> list[Chart]:
    """All of them, for the report."""
    made = (curves, confusion, one_vs_rest, scores, calibration, decision, masks)
    return [chart for make in made for chart in make(found, split)]


@st.cache_resource(show_spinner="Drawing …", max_entries=128)
def _figures(kind: str, key: tuple[str, ...], split: str, _models: Sequence[Evidence]) -> list[Chart]:
    parts = parts_of(_models, split)
    if kind == "curves":
        return [evidence_charts.roc(_models, split), evidence_charts.precision_recall(_models, split)] if parts else []
    if kind == "calibration":
        return [evidence_charts.calibration(_models, part) for part in parts]
    if kind == "confusion":
        mixed = (part for m in _models if (part := m.part(split)) is not None and len(set(part.classes)) > 1)
        return [evidence_charts.confusion_matrix(part) for part in mixed]
    if kind == "one-vs-rest":
        several = (part for m in _models if (part := m.part(split)) is not None and len(m.card.classes) > 2)
        return [evidence_charts.one_vs_rest(part) for part in several]
    if kind == "decision":
        return [evidence_charts.decision(_models, split)] if parts else []
    if kind == "scores":
        return [evidence_charts.scores(_models, part, part.card.threshold.value) for part in parts]
    segmenters = [m for m in _models if (part := m.part(split)) is not None and part.has_masks]
    if not segmenters:
        return []
    sizes = [evidence_masks.bland_altman(_models, m, split) for m in segmenters]
    return [evidence_masks.dice(_models, split), *(s for s in sizes if s is not None)]


def save_as(place: Any) -> None:
    """The choice of the format in which the camera of every figure saves."""
    place.segmented_control("Figures save as", ["SVG", "PNG"], default="SVG", required=True, key=SAVE_AS)


def show(chart: Chart, stem: str) -> None:
    """The figure with its words for those who cannot see it, to be saved as SVG or PNG from its own bar."""
    st.plotly_chart(chart.figure, key=f"{stem}-{chart.key}", config=config(chart, stem), alt=chart.alt)


def config(chart: Chart, stem: str) -> dict[str, Any]:
    """Plotly's bar: only the camera, which saves in the chosen format."""
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["zoom", "pan", "select", "lasso2d", "zoomIn", "zoomOut", "autoScale", "resetScale"],
        "toImageButtonOptions": {
            "format": str(st.session_state.get(SAVE_AS, "SVG")).lower(),
            "filename": f"{stem}-{chart.key}",
            "scale": 2,
        },
    }


def grid(charts: Sequence[Chart], stem: str) -> None:
    """Two figures a row; one below the other on a phone."""
    for start in range(0, len(charts), 2):
        for place, chart in zip(st.columns(2), charts[start : start + 2], strict=False):
            with place:
                show(chart, stem)
