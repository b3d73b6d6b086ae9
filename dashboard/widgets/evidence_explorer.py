"""Threshold explorer: move the threshold, set the prevalence, see what it would mean for a thousand patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.evidence import Part
from core.evidence.cells import fourfold, fourfold_cases
from core.evidence.tables import exact
from core.statistics import Interval
from core.statistics.operating import OperatingPoint, operating_point
from dashboard.widgets import evidence_cells, evidence_sketch, words
from dashboard.widgets.evidence_data import Shelf
from dashboard.widgets.evidence_tables import NO_SPREAD, interval, number

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


@st.fragment
def show(found: Shelf, split: str, stem: str) -> None:
    """The explorer; only this part of the page is drawn again when the slider moves."""
    models = [m for m in found.models if (part := m.part(split)) is not None and part.has_both]
    if not models:
        st.info(f"No model has images with and without a finding in the {split} part.")
        return
    titles = words.short_titles([m.card.title for m in models])
    names = {m.card.name: m for m in models}
    left, right = st.columns([2, 3], gap="large")
    with left:
        picked = st.segmented_control(
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
        threshold, prevalence = _asked(part, key)
    stored, always = _fixed(model.sha256, split, prevalence, part)
    point = operating_point(part.truth, part.finding, threshold, part.groups, prevalence)
    with left:
        st.html(evidence_sketch.scores(part, _bars(model.sha256, split, part), threshold))
        cells = fourfold(part, threshold)
        rows = [
            ("finding", [cells["found"], cells["missed"]]),
            ("no finding", [cells["false alarms"], cells["cleared"]]),
        ]
        chosen = evidence_cells.matrix(rows, f"cell-{key}", "")
    with right:
        st.html(table(point, stored, always, part))
        st.download_button(
            "Table (CSV)",
            lambda: csv(point, part),
            file_name=f"{stem}-{model.card.name}-threshold-{threshold:.3f}.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
            type="tertiary",
            key=f"csv-explorer-{stem}",
        )
    if chosen:
        frame = fourfold_cases(part, threshold, chosen)
        evidence_cells.listed(
            part, frame, f"{chosen} at {threshold:.3f}", f"{key}-{chosen}-{threshold}", f"{key}-{chosen}"
        )


@st.cache_data(show_spinner=False, max_entries=64)
def _fixed(sha256: str, split: str, prevalence: float, _part: Part) -> tuple[OperatingPoint, OperatingPoint]:
    """What does not move with the slider: the stored threshold, and "always positive"."""
    stored = _part.card.threshold.value
    return (
        operating_point(_part.truth, _part.finding, stored, _part.groups, prevalence),
        operating_point(_part.truth, np.ones(_part.n), 0.5, _part.groups, prevalence),
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _bars(sha256: str, split: str, _part: Part) -> np.ndarray:
    return evidence_sketch.counts(_part)


def _asked(part: Part, stem: str) -> tuple[float, float]:
    stored = part.card.threshold.value
    threshold = st.slider(
        f"Threshold (stored: {stored:.3f})",
        0.0,
        1.0,
        round(stored, 3),
        0.005,
        format="%.3f",
        key=f"threshold-{stem}",
        help="From this calibrated probability on the model says finding.",
    )
    share = st.number_input(
        "Prevalence where you work (%)",
        0.01,
        99.0,
        round(100 * float(part.truth.mean()), 2),
        0.5,
        key=f"prevalence-{stem}-{part.split}",
        help=f"In this part {part.truth.mean():.1%} of the images have a finding; in screening it is often below 1 %.",
    )
    return float(threshold), float(share) / 100


def table(point: OperatingPoint, stored: OperatingPoint, always: OperatingPoint, part: Part) -> str:
    """The chosen threshold beside the stored one, "always positive" and what was published."""
    heads = (f"At {point.rates.threshold:.3f}", f"Stored, {stored.rates.threshold:.3f}", "Always positive")
    rows = [
        (label, [_cell(getattr(p, name), digits, p is always) for p in (point, stored, always)])
        for name, label, digits in LINES
    ]
    rows += [
        (f"Of 1,000 patients: {label}", [_cell(p.per_1000[k], 0, p is always) for p in (point, stored, always)])
        for k, label in enumerate(THOUSAND)
    ]
    body = "".join(
        f"<tr><th scope='row'>{words.cell(label)}</th>{''.join(f'<td>{c}</td>' for c in cells)}</tr>"
        for label, cells in rows
    )
    card = part.card
    if card.published:
        said = f"<div class='said'>{words.cell(card.published)}</div>"
        body += f"<tr><th scope='row'>Published</th><td colspan='3'>{said}</td></tr>"
    head = "".join(f"<th scope='col'>{h}</th>" for h in heads)
    basis = (
        f"{words.cell(card.title)}, version {words.cell(card.version)}; {part.split} part, n = {part.n:,}, "
        f"{words.count(part.group_count, 'group')}; 95 % intervals draw whole groups. Prevalence "
        f"{point.prevalence:.2%}, in the data {part.truth.mean():.1%}. The odds ratio is that of the data."
    )
    stuck = any(getattr(p, name).low == getattr(p, name).high for p in (point, stored) for name, _, _ in LINES)
    more = f"<div class='q'>{NO_SPREAD}</div>" if stuck else ""
    return (
        "<div class='ev-wide' tabindex='0' role='region' aria-label='Threshold explorer'>"
        "<table class='ev' aria-label='Threshold explorer'>"
        f"<thead><tr><th scope='col'>Figure</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"<div class='ev-notes'><div class='q'>{basis}</div>{more}</div>"
    )


def _cell(figure: Interval, digits: int, certain: bool) -> str:
    below = "" if certain and figure.low == figure.high else interval(figure, digits)
    return f"{number(figure.value, digits)}<span class='q'>{below or '&nbsp;'}</span>"


def csv(point: OperatingPoint, part: Part) -> str:
    """Every figure of the explorer with its interval and what it rests on."""
    figures = {label: getattr(point, name) for name, label, _ in LINES}
    figures |= {f"per 1,000: {label}": point.per_1000[k] for k, label in enumerate(THOUSAND)}
    r = point.rates
    figures |= {name: exact(getattr(r, name), part.n, part.group_count, "count") for name in ("tp", "fn", "fp", "tn")}
    common = {
        "system": part.card.system,
        "model": part.card.name,
        "version": part.card.version,
        "split": part.split,
        "threshold": r.threshold,
        "prevalence": point.prevalence,
        "published": part.card.published,
    }
    rows = [
        common
        | {"figure": label, "value": f.value, "low": f.low, "high": f.high, "n": f.n, "groups": f.groups}
        | {"method": f.method}
        for label, f in figures.items()
    ]
    return str(pd.DataFrame(rows).to_csv(index=False))
