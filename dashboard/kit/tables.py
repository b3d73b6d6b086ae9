"""Evidence tables as HTML: value, interval below it, and what each line rests on. ``show`` puts one on the page."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from core.evidence import Row, Table
from core.evidence.tables import MODEL, PUBLISHED
from core.statistics import Interval
from core.statistics.perfect import SAID
from dashboard.kit import words

CSS = """
.ev-wide { overflow-x: auto; }
.ev { border-collapse: collapse; font-size: 0.86rem; font-variant-numeric: tabular-nums; min-width: 100%; }
.ev th, .ev td { text-align: left; vertical-align: top; padding: 6px 18px 6px 0;
  border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.ev thead th { border-top: none; font-weight: 600; font-size: 0.78rem; vertical-align: bottom; max-width: 10em; }
.ev tbody th { font-weight: 600; min-width: 12em; max-width: 22em; }
.ev .q, .ev-notes .q { display: block; font-weight: 400; font-size: 0.78rem; opacity: 0.78; white-space: nowrap; }
.ev tbody th .q, .ev-notes .q { white-space: normal; }
.ev-notes .q { margin-top: 4px; }
.ev .said { max-width: min(64em, 55vw); }
.ev tr.baseline th { font-weight: 400; font-style: italic; }
.ev .warn { font-weight: 700; }
@media (max-width: 760px) { .ev tbody th { min-width: 9em; max-width: 11em; } }
"""


NO_SPREAD = (
    "No spread: every resample of the groups gave the same figure. A bootstrap cannot see past perfect data; with few "
    "groups the true figure may well be worse."
)


def number(value: float, digits: int) -> str:
    """A figure with its digits; infinity and the undefined as signs; a true minus."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")  # adding 0.0 takes the sign of a zero away


def interval(figure: Interval, digits: int) -> str:
    """The interval in words; resamples that are all alike have none to show, for perfect data prove no certainty.

    Nor has what comes from a single group, however many images it has: that is said, for a bare 1.000 looks sure.
    """
    if math.isnan(figure.low) or math.isnan(figure.high):
        return "no interval: one group" if figure.groups == 1 and "resamples" in figure.method else ""
    if figure.low == figure.high:
        return "no spread"
    return f"{number(figure.low, digits)} to {number(figure.high, digits)}"


def html(table: Table) -> str:
    """The table; every figure's own cases are in its tooltip, the line's in the last column."""
    heads = "".join(f"<th scope='col' title='{words.cell(c.help)}'>{words.cell(c.head)}</th>" for c in table.columns)
    body = "".join(_row(table, row) for row in table.rows)
    notes = "".join(f"<div class='q'>{words.cell(note)}</div>" for note in (*table.notes, *_spread(table)))
    return (
        wide(
            table.title,
            f"<thead><tr><th scope='col'>95 % interval below each figure</th>{heads}<th scope='col'>Rests on</th></tr>"
            f"</thead><tbody>{body}</tbody>",
        )
        + f"<div class='ev-notes'>{notes}</div>"
    )


def wide(label: str, inner: str, *, kind: str = "ev", style: str = "") -> str:
    """A table that scrolls sideways where it does not fit; the keyboard reaches it, and it says what it is.

    Args:
        label: its name, plain text.
        inner: what stands in the ``table``, as HTML.
        kind: its class; :data:`CSS` knows ``ev``.
        style: of the frame around it.
    """
    name = words.cell(label)
    return (
        f"<div class='ev-wide' style='{style}' tabindex='0' role='region' aria-label='{name}'>"
        f"<table class='{kind}' aria-label='{name}'>{inner}</table></div>"
    )


def _spread(table: Table) -> tuple[str, ...]:
    """What "no spread" means, where a model's figure has none."""
    stuck = any(f.low == f.high for row in table.rows if row.kind == MODEL for f in row.figures.values())
    return (NO_SPREAD,) if stuck else ()


def _row(table: Table, row: Row) -> str:
    label = words.cell(row.label)
    if row.kind == PUBLISHED:
        return (
            f"<tr class='published'><th scope='row'>{label}</th>"
            f"<td colspan='{len(table.columns) + 1}'><div class='said'>{words.cell(row.note)}</div></td></tr>"
        )
    if row.kind == MODEL:
        label += f"<span class='q'>version {words.cell(row.version)}</span>"
    if row.note:
        loud = " warn" if row.note.startswith(("too few", "Not compared", "Failed")) else ""
        label += f"<span class='q{loud}'>{words.cell(row.note)}</span>"
    counted = row.counted or table.counted
    drawn = (_cell(row.figures.get(c.key), c.digits, row.kind, counted) for c in table.columns)
    cells = "".join(f"<td>{one}</td>" for one in drawn)
    return f"<tr class='{row.kind}'><th scope='row'>{label}</th>{cells}<td>{_rests_on(row, counted)}</td></tr>"


def _cell(figure: Interval | None, digits: int, kind: str, counted: str) -> str:
    if figure is None:
        return "–"
    basis = f"n = {figure.n}, {words.count(figure.groups, counted)}; {words.in_terms(figure.method, counted)}"
    below = interval(figure, digits) if kind == MODEL or figure.low != figure.high else ""
    if figure.method.startswith(SAID):
        below += f"<br>{words.cell(figure.method.split(' (')[0])}"
    below = words.in_terms(below, counted)
    return f"<span title='{words.cell(basis)}'>{number(figure.value, digits)}<span class='q'>{below}</span></span>"


def _rests_on(row: Row, counted: str) -> str:
    if not row.n:
        return "–"
    return f"n = {row.n:,}<span class='q'>{words.count(row.groups, counted)}, {row.split}</span>"


def style() -> None:
    """Put the tables' style on the page, once."""
    st.html(f"<style>{CSS}</style>")


def show(table: Table, stem: str) -> None:
    """The table and its CSV."""
    st.html(html(table))
    take_along(table.csv, f"{stem}-{table.key}", f"csv-{stem}-{table.key}")


def take_along(content: str | Callable[[], str], name: str, key: str) -> None:
    """The button that gives the table above it as CSV (:mod:`core.csv_cells`).

    Args:
        content: the CSV, or what makes it once it is asked for. name: of the file, without its ending.
    """
    st.download_button(
        "Table (CSV)",
        content,
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        type="tertiary",
        key=key,
    )
