"""What the wrong-image gate of a system was worth on unseen patients and on images of no such kind: a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from core.models.card import Metric
from core.systems.router import CARD, FOLDER, RouterCard
from dashboard.widgets import words
from dashboard.widgets.engine import engine

PREFIX = "stopped: "
MAIN = {
    "good_stopped": "Good scans stopped",
    "auroc": "AUROC, good scans against wrong images",
    "auroc_unseen": "AUROC against kinds of wrong image that it never learnt",
}

SCANS = {
    "brain-": "brain MR slices",
    "breast-": "breast MR lesion crops",
    "chest-": "chest CT slices",
    "mr-pet-mr": "limb MR slices",
    "mr-pet-pet": "PET slices",
    "pet-": "whole-body PET projections",
}


def card_of(weights: Path) -> RouterCard | None:
    """The gate's card; ``None`` where no gate is installed or its card cannot be read."""
    try:
        return RouterCard.model_validate_json((weights / FOLDER / CARD).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def show(system: str) -> None:
    """The table with its CSV, or why there is none."""
    card = card_of(engine().weights)
    if card is None or system not in card.systems:
        st.caption("No trained gate is installed for this system: only the rules stop wrong images.")
        return
    st.html(table(card, system))
    st.download_button(
        "Table (CSV)",
        lambda: csv(card, system),
        file_name=f"overread-{system}-gate.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        type="tertiary",
        key=f"csv-gate-{system}",
    )


def table(card: RouterCard, system: str) -> str:
    """HTML: the main figures, then the share stopped of every kind of wrong image, the weakest first."""
    limit = card.systems[system]
    figures = limit.metrics
    rows = [_row(title, figures[key], share=key == "good_stopped") for key, title in MAIN.items() if key in figures]
    kinds = [(key.removeprefix(PREFIX), m) for key, m in figures.items() if key.startswith(PREFIX)]
    rows += [_row(f"Stopped: {_kind(name)}", m, share=True) for name, m in sorted(kinds, key=lambda k: k[1].value)]
    about = (
        f"Gate version {card.version}, by {' and '.join(limit.thresholds)}, on the patients that no training saw. "
        "The rules (tags, colour, shape, text, masks) come before it and are not counted here."
    )
    head = "".join(f"<th scope='col'>{h}</th>" for h in ("Figure", "Value", "95 % interval", "Rests on"))
    return (
        "<div class='ev-wide' tabindex='0' role='region' aria-label='Wrong-image gate'><table class='ev' "
        f"aria-label='Wrong-image gate'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        f"<div class='ev-notes'><div class='q'>{words.cell(about)}</div></div>"
    )


def _kind(name: str) -> str:
    """Scans of another system go by the recipe that reads them: said in words."""
    scans = next((scans for start, scans in SCANS.items() if name.startswith(start)), None)
    return name if scans is None else f"{scans} ({name})"


def _row(title: str, metric: Metric, *, share: bool) -> str:
    form = "{:.1%}" if share else "{:.3f}"
    known = metric.low is not None and metric.high is not None
    interval = f"{form.format(metric.low)} to {form.format(metric.high)}" if known else "–"
    basis = f"n = {metric.n:,}" + (f", {words.count(metric.groups, 'group')}" if metric.groups else "")
    cells = "".join(f"<td>{cell}</td>" for cell in (form.format(metric.value), interval, basis))
    return f"<tr><th scope='row'>{words.cell(title)}</th>{cells}</tr>"


def csv(card: RouterCard, system: str) -> str:
    """Every figure with interval and basis."""
    rows = [
        {"system": system, "gate_version": card.version, "figure": name} | metric.model_dump()
        for name, metric in card.systems[system].metrics.items()
    ]
    return str(pd.DataFrame(rows).to_csv(index=False))
