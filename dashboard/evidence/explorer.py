"""Threshold explorer: move the threshold, set the prevalence, see what it would mean for a thousand patients.

What every stop of the slider means is computed once; the browser then moves through it without asking the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.csv_cells import frame_csv
from core.evidence import Part
from core.evidence.cells import fourfold, fourfold_cases
from core.evidence.tables import exact
from core.statistics import Interval
from core.statistics.operating import OperatingPoint, operating_point, operating_points
from core.systems import SYSTEMS
from core.systems.published import published
from dashboard.evidence import cells as evidence_cells
from dashboard.evidence import sketch
from dashboard.evidence.data import Predicted
from dashboard.kit import words
from dashboard.kit.tables import CSS, NO_SPREAD, interval, number, wide

HERE = Path(__file__).resolve().parent
STEPS = 200  # of the slider, beside the stored threshold itself
LINES = (
    ("sensitivity", "Sensitivity", 3),
    ("specificity", "Specificity", 3),
    ("balanced_accuracy", "Balanced accuracy", 3),
    ("ppv", "PPV at this prevalence", 3),
    ("npv", "NPV at this prevalence", 3),
    ("diagnostic_odds_ratio", "Diagnostic odds ratio", 1),
    ("number_needed_to_screen", "Number needed to screen", 1),
    ("reads_per_finding", "Flagged scans read per true finding", 1),
)
THOUSAND = ("found", "missed", "false alarms", "rightly cleared")
ROWS = (("finding", ("found", "missed")), ("no finding", ("false alarms", "cleared")))

_component = st.components.v2.component(
    "overread_explorer",
    html=(HERE / "explorer.html").read_text(encoding="utf-8"),
    css=CSS + (HERE / "explorer.css").read_text(encoding="utf-8"),
    js=(HERE / "explorer.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, eq=False)
class Explored:
    """Every stop of the slider.

    Attributes:
        thresholds: ascending, the stored one among them. start: its place.
        points: what each means. shown: the same as the browser takes it.
    """

    thresholds: list[float]
    start: int
    points: list[OperatingPoint]
    shown: dict[str, Any]


@st.fragment
def show(found: Predicted, split: str, stem: str) -> None:
    """The explorer; the server is asked only for another model, another prevalence, or a list of cases."""
    models = [m for m in found.models if (part := m.part(split)) is not None and part.has_both]
    if not models:
        st.info(f"No model has images with and without a finding in the {split} part.")
        return
    titles = words.short_titles([m.card.title for m in models])
    names = {m.card.name: m for m in models}
    left, right = st.columns([2, 3], gap="small", vertical_alignment="bottom")
    picked = left.segmented_control(
        "Model",
        list(names),
        default=next(iter(names)),
        required=True,
        format_func=lambda name: titles[names[name].card.title],
        key=f"explore-model-{stem}",
    )
    model = names[picked or next(iter(names))]
    part = model.part(split)
    assert part is not None
    key = f"{stem}-{model.card.name}"
    with right:
        prevalence = _prevalence(part, key)
    all_of_it = explored(model.sha256, split, prevalence, part)
    open_cell, threshold = _chosen(key, all_of_it)
    cells, beside = st.columns([3, 2], gap="medium")
    with cells:
        _component(
            key=f"explorer-{key}",
            data=all_of_it.shown | {"owner": key, "open": open_cell},
            on_cell_change=lambda: _choose(key),
        )
        st.download_button(
            "Table of every threshold (CSV)",
            lambda: csv(all_of_it.points, part),
            file_name=f"{key}-thresholds.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
            type="tertiary",
            key=f"csv-explorer-{stem}",
        )
    with beside:
        if not open_cell:
            st.caption("A click on a cell lists its images here.")
            return
        frame = fourfold_cases(part, threshold, open_cell)
        place = f"{key}-{open_cell}"
        evidence_cells.listed(part, frame, f"{open_cell} at {threshold:.3f}", f"{place}-{threshold}", place)


def _choose(key: str) -> None:
    """Remember the cell that was clicked and the threshold it was clicked at."""
    clicked = st.session_state[f"explorer-{key}"].get("cell")
    if clicked:
        st.session_state[f"cell-{key}"] = (str(clicked["cell"]), int(clicked["at"]))


def _chosen(key: str, of: Explored) -> tuple[str, float]:
    name, at = st.session_state.get(f"cell-{key}", ("", of.start))
    return name, of.thresholds[min(max(at, 0), len(of.thresholds) - 1)]


def _prevalence(part: Part, key: str) -> float:
    share = st.number_input(
        "Prevalence where you work (%)",
        0.01,
        99.0,
        round(100 * float(part.truth.mean()), 2),
        0.5,
        width=260,
        key=f"prevalence-{key}-{part.split}",
        help=f"In this part {part.truth.mean():.1%} of the images have a finding; in screening it is often below 1 %.",
    )
    return float(share) / 100


@st.cache_resource(show_spinner="Computing every threshold …", max_entries=64)
def explored(sha256: str, split: str, prevalence: float, _part: Part) -> Explored:
    """Everything at every stop; ``sha256`` of the model's files and ``split`` tell one ``_part`` from another."""
    stored = round(_part.card.threshold.value, 3)
    thresholds = sorted({round(k / STEPS, 3) for k in range(STEPS + 1)} | {stored})
    points = operating_points(_part.truth, _part.finding, thresholds, _part.groups, prevalence)
    exactly = operating_point(_part.truth, _part.finding, _part.card.threshold.value, _part.groups, prevalence)
    always = operating_point(_part.truth, np.ones(_part.n), 0.5, _part.groups, prevalence)
    drawing, legend = sketch.scores(_part, sketch.counts(_part))
    cells = [fourfold(_part, threshold) for threshold in thresholds]
    of = {truth: cells[0][names[0]].of for truth, names in ROWS}
    shown = {
        "label": f"Threshold: from this probability on the model says finding (stored: {stored:.3f}{_ends(_part)})",
        "stops": [f"{threshold:.3f}" for threshold in thresholds],
        "start": thresholds.index(stored),
        "sketch": drawing,
        "legend": legend,
        "table": table(exactly, always, _part),
        "figures": [[_texts(figure, digits) for figure, digits in figures_of(point)] for point in points],
        "rows": [(f"{truth}, {of[truth]:,}", names) for truth, names in ROWS],
        "cells": [
            [
                (f"{(cell := stop[name]).count:,}", f"{number(100 * cell.share, 1)} %", round(8 + 52 * cell.share))
                for _, names in ROWS
                for name in names
            ]
            for stop in cells
        ],
    }
    return Explored(thresholds, thresholds.index(stored), points, shown)


def _ends(part: Part) -> str:
    """How sure the stored threshold is: the interval of its choice over resampled validation groups."""
    threshold = part.card.threshold
    if threshold.low is None or threshold.high is None:
        return ""
    drawn = words.many(SYSTEMS[part.card.system].counted)
    return f"; chosen again on resampled {drawn}, 95 % of {threshold.low:.3f} to {threshold.high:.3f}"


def figures_of(point: OperatingPoint) -> list[tuple[Interval, int]]:
    """The lines of the table from top to bottom, with their digits."""
    return [(getattr(point, name), digits) for name, _, digits in LINES] + [(f, 0) for f in point.per_1000]


def _texts(figure: Interval, digits: int) -> tuple[str, str]:
    return number(figure.value, digits), interval(figure, digits)


def table(stored: OperatingPoint, always: OperatingPoint, part: Part) -> str:
    """The chosen threshold, to be filled in, beside the stored one, "always positive" and what was published."""
    heads = (f"Stored, {stored.rates.threshold:.3f}", "Always positive")
    labels = [label for _, label, _ in LINES] + [f"Of 1,000 patients: {label}" for label in THOUSAND]
    lines = zip(labels, figures_of(stored), figures_of(always), strict=True)
    body = "".join(
        f"<tr><th scope='row'>{words.cell(label)}</th><td data-figure='{place}'><span></span><span class='q'></span>"
        f"</td><td>{_cell(*own, certain=False)}</td><td>{_cell(*all_of_them, certain=True)}</td></tr>"
        for place, (label, own, all_of_them) in enumerate(lines)
    )
    card = part.card
    if card.published:
        said = f"<div class='said'>{words.cell(published(card))}</div>"
        body += f"<tr><th scope='row'>Published</th><td colspan='3'>{said}</td></tr>"
    head = "<th scope='col' class='at'></th>" + "".join(f"<th scope='col'>{h}</th>" for h in heads)
    drawn = words.many(SYSTEMS[card.system].counted)
    basis = (
        f"{words.cell(card.title)}, version {words.cell(card.version)}; {part.split} part, n = {part.n:,}, "
        f"{words.counted(part.group_count, part.card.system)}; 95 % intervals draw whole {drawn}. Prevalence "
        f"{stored.prevalence:.2%}, in the data {part.truth.mean():.1%}. The odds ratio is that of the data. {NO_SPREAD}"
    )
    return (
        wide("Threshold explorer", f"<thead><tr><th scope='col'>Figure</th>{head}</tr></thead><tbody>{body}</tbody>")
        + f"<div class='ev-notes'><div class='q'>{basis}</div></div>"
    )


def _cell(figure: Interval, digits: int, *, certain: bool) -> str:
    below = "" if certain and figure.low == figure.high else interval(figure, digits)
    return f"{number(figure.value, digits)}<span class='q'>{below or '&nbsp;'}</span>"


def csv(points: Sequence[OperatingPoint], part: Part) -> str:
    """Every figure at every threshold with its interval and what it rests on."""
    rows = []
    for point in points:
        r = point.rates
        figures = {label: getattr(point, name) for name, label, _ in LINES}
        figures |= {f"per 1,000: {label}": point.per_1000[k] for k, label in enumerate(THOUSAND)}
        figures |= {
            name: exact(getattr(r, name), part.n, part.group_count, "count") for name in ("tp", "fn", "fp", "tn")
        }
        common = {
            "system": part.card.system,
            "model": part.card.name,
            "version": part.card.version,
            "split": part.split,
            "threshold": r.threshold,
            "prevalence": point.prevalence,
            "published": published(part.card),
        }
        rows += [
            common
            | {"figure": label, "value": f.value, "low": f.low, "high": f.high, "n": f.n, "groups": f.groups}
            | {"method": f.method}
            for label, f in figures.items()
        ]
    return frame_csv(pd.DataFrame(rows))
