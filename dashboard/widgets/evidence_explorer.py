"""Threshold explorer: move the threshold, set the prevalence, see what it would mean for a thousand patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.evidence import Evidence, Part
from core.evidence.tables import exact
from core.statistics import Interval
from core.statistics.operating import OperatingPoint, operating_point
from dashboard.widgets import evidence_charts, evidence_figures, words
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
CELLS = {"found (TP)": (True, True), "missed (FN)": (False, True)} | {
    "false alarms (FP)": (True, False),
    "cleared (TN)": (False, False),
}


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
        threshold, prevalence = _asked(part, f"{stem}-{model.card.name}")
    point = operating_point(part.truth, part.finding, threshold, part.groups, prevalence)
    stored = operating_point(part.truth, part.finding, part.card.threshold.value, part.groups, prevalence)
    always = operating_point(part.truth, np.ones(part.n), 0.5, part.groups, prevalence)
    with left:
        st.html(confusion(point, part))
        _cases(part, threshold, f"{stem}-{model.card.name}")
        chart = evidence_charts.scores(found.models, part, threshold)
        evidence_figures.show(chart, f"{stem}-explorer")
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


def confusion(point: OperatingPoint, part: Part) -> str:
    """Counts and the share of each true class."""
    r = point.rates
    positive, negative = r.tp + r.fn, r.tn + r.fp

    def cell(count: int, of: int, name: str) -> str:
        weight = round(12 + 50 * count / max(of, 1))
        return (
            f"<td style='background: color-mix(in srgb, #56b4e9 {weight}%, transparent); padding: 8px 12px'>"
            f"<b>{count:,}</b> {name}<span class='q'>{number(100 * count / max(of, 1), 1)} % of {of:,}</span></td>"
        )

    return (
        f"<table class='ev' aria-label='Confusion matrix'><thead><tr><th scope='col'>Truth ({part.split} part)</th>"
        "<th scope='col'>model says finding</th><th scope='col'>model says clear</th></tr></thead><tbody>"
        f"<tr><th scope='row'>finding</th>{cell(r.tp, positive, 'found')}{cell(r.fn, positive, 'missed')}</tr>"
        f"<tr><th scope='row'>no finding</th>{cell(r.fp, negative, 'false alarms')}{cell(r.tn, negative, 'cleared')}"
        "</tr></tbody></table>"
    )


def _cases(part: Part, threshold: float, stem: str) -> None:
    picked = st.pills("Cases of a cell", list(CELLS), key=f"cell-{stem}", help="Most clearly wrong or right first.")
    if picked:
        frame = cases(part, threshold, *CELLS[picked])
        st.dataframe(frame, hide_index=True, height=260, key=f"cases-{stem}", alt=f"{len(frame)} cases: {picked}")


def cases(part: Part, threshold: float, flagged: bool, truth: bool) -> pd.DataFrame:
    """Cases of a cell of the confusion matrix: id, group, true class, probability; the surest answers first."""
    rows = np.flatnonzero(((part.finding >= threshold) == flagged) & (part.truth == truth))
    order = rows[np.argsort(-part.finding[rows] if flagged else part.finding[rows], kind="stable")]
    return pd.DataFrame(
        {
            "image": part.ids[order],
            "group": part.groups[order],
            "truth": [part.card.classes[k] for k in part.classes[order]],
            "probability": part.finding[order].round(4),
        }
    )


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


def classes_table(model: Evidence, split: str) -> str:
    """Confusion of a model with several classes, by the largest probability: counts and share of the true class."""
    part = model.part(split)
    assert part is not None
    names, answer = model.card.classes, part.calibrated.argmax(axis=1)
    head = "".join(f"<th scope='col'>says {words.cell(n)}</th>" for n in names)
    body = ""
    for k, name in enumerate(names):
        of = int((part.classes == k).sum())
        counts = [int(((part.classes == k) & (answer == j)).sum()) for j in range(len(names))]
        cells = "".join(
            f"<td><b>{c:,}</b><span class='q'>{number(100 * c / max(of, 1), 1)} % of {of:,}</span></td>" for c in counts
        )
        body += f"<tr><th scope='row'>{words.cell(name)}</th>{cells}</tr>"
    label = f"Confusion of {words.cell(model.card.title)}, {split} part"
    return (
        f"<div class='ev-wide'><table class='ev' aria-label='{label}'><thead><tr><th scope='col'>Truth</th>{head}</tr>"
        f"</thead><tbody>{body}</tbody></table></div>"
    )
