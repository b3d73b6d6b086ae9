"""How the heat maps of each model fared on validation patients: a table, and one line for a single map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.explain.record import HeatChecks, MethodChecks, load_checks
from core.models.card import Metric, ModelCard
from core.systems import SYSTEMS
from dashboard.widgets import words
from dashboard.widgets.engine import engine

TITLES = {"grad-cam": "Grad-CAM", "grad-cam++": "Grad-CAM++", "layercam": "LayerCAM", "eigencam": "EigenCAM"}
STYLE = """
<style>
.or-maps { overflow-x: auto; }
.or-maps table { width: 100%; border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
.or-maps th, .or-maps td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-maps thead th { border-top: none; font-size: 0.78rem; opacity: 0.75; }
.or-maps tbody th { min-width: 13em; font-weight: 600; }
.or-maps .quiet { font-weight: 400; opacity: 0.75; font-size: 0.78rem; white-space: nowrap; }
</style>
"""
HEADS = (
    "Model",
    "Method",
    "Hottest point hits the lesion",
    "By chance",
    "Share of the map in the lesion",
    "Answer falls: marked parts removed",
    "Answer falls: random parts removed",
    "Difference",
    "Check",
)


def heat_check_table(system: str) -> None:
    """Table of all models of a system, or why there is none."""
    found = [c for c in (checks_of(state.card) for state in engine().states(system) if state.card) if c is not None]
    if not found:
        st.caption(
            "The heat maps of these models have not been tested on validation patients yet "
            f"(python -m trainers heat-checks --system {system})."
        )
        return
    st.html(STYLE + table(system, found))
    st.download_button(
        "Table (CSV)",
        lambda: csv(found),
        file_name=f"overread-{system}-heat-maps.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        type="tertiary",
        key=f"csv-heat-maps-{system}",
    )
    for checks in found:
        st.caption(words.plain(pedigree(checks)))


def table(system: str, found: list[HeatChecks]) -> str:
    """HTML: a row per model and method."""
    heads = "".join(f"<th scope='col'>{head}</th>" for head in HEADS)
    rows = ""
    for checks in found:
        for n, (method, figures) in enumerate(checks.methods.items()):
            about = f"{checks.slices} slices of {checks.groups} validation patients"
            head = f"{words.cell(_title(checks))}<div class='quiet'>{about}</div>"
            span = f"<th scope='rowgroup' rowspan='{len(checks.methods)}'>{head}</th>" if n == 0 else ""
            rows += f"<tr>{span}<td>{words.cell(TITLES.get(method, method))}</td>{_cells(figures)}</tr>"
    label = words.cell(f"Heat maps of {SYSTEMS[system].title} on validation patients")
    head = f"<thead><tr>{heads}</tr></thead>"
    return f"<div class='or-maps'><table aria-label='{label}'>{head}<tbody>{rows}</tbody></table></div>"


def csv(found: list[HeatChecks]) -> str:
    """A line per model, method and figure, with interval and what it rests on."""
    rows = []
    for checks in found:
        for method, figures in checks.methods.items():
            common = {"system": checks.system, "model": checks.name, "version": checks.version, "heat_map": method}
            common |= {"failed": "; ".join(figures.failings), "weights_sha256": checks.weights_sha256}
            for name in MethodChecks.model_fields:
                value = getattr(figures, name)
                told = value.model_dump() if isinstance(value, Metric) else {"value": value}
                rows.append(common | {"figure": name} | told)
    return str(pd.DataFrame(rows).to_csv(index=False))


def pedigree(checks: HeatChecks) -> str:
    """Where the figures of a model come from."""
    removed = ", ".join(f"{f:.0%}" for f in checks.fractions)
    what = "the outline's mean probability" if checks.outline else "the calibrated probability"
    return (
        f"{_title(checks)}, version {checks.version}, weights {checks.weights_sha256[:12]}, {checks.date}: validation "
        f"part of {', '.join(checks.data)}, {checks.slices} slices with a finding of {checks.groups} patients, seed "
        f"{checks.seed}. A hit lies in the lesion or within {checks.tolerance:.0%} of the diagonal. Answer: {what}, "
        f"mean over {removed} of the body removed; {checks.random_maps} random maps a slice. Intervals draw patients."
    )


def line(card: ModelCard | None, method: str) -> str:
    """What is known about a model's maps by one method, in a sentence; empty where nothing is."""
    checks = checks_of(card) if card else None
    figures = checks.methods.get(method) if checks else None
    if checks is None or figures is None:
        return ""
    parts = []
    if figures.hit is not None:
        chance = f", {figures.chance:.0%} by chance" if figures.chance is not None else ""
        parts.append(f"its hottest point hit the lesion on {_share(figures.hit)} of slices{chance}")
    if figures.ahead is not None and figures.marked is not None and figures.random is not None:
        parts.append(
            f"removing what it marks lowered the answer by {figures.marked.value:.2f}, random parts by "
            f"{figures.random.value:.2f} (difference {_interval(figures.ahead)})"
        )
    if not parts:
        return ""
    where = f"{checks.slices} slices with a finding of {checks.groups} validation patients"
    return f"{TITLES.get(method, method)} of this model on {where}: {'; '.join(parts)}."


def warning(card: ModelCard | None, method: str) -> None:
    """Says it where a model's maps by this method failed on validation patients."""
    checks = checks_of(card) if card else None
    figures = checks.methods.get(method) if checks else None
    if figures is not None and figures.failings:
        name = TITLES.get(method, method)
        st.caption(
            f":orange[:material/warning: **{name} failed on validation patients**]: {'; '.join(figures.failings)}."
        )


def checks_of(card: ModelCard) -> HeatChecks | None:
    """The stored checks of an installed model; ``None`` when they belong to other weights."""
    return load_checks(engine().weights / card.system / card.name, card)


def _title(checks: HeatChecks) -> str:
    slots = [slot.title for slot in SYSTEMS[checks.system].models if slot.name == checks.name]
    return slots[0] if slots else checks.name


def _cells(figures: MethodChecks) -> str:
    chance = "–" if figures.chance is None else f"{figures.chance:.0%}"
    energy = _cell(figures.energy, share=True)
    if figures.area is not None:
        energy += f"<div class='quiet'>the lesion takes {figures.area:.0%}</div>"
    cells = (
        _cell(figures.hit, share=True),
        chance,
        energy,
        *map(_cell, (figures.marked, figures.random, figures.ahead)),
        _check(figures),
    )
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _check(figures: MethodChecks) -> str:
    if not figures.tested:
        return "Not tested"
    failed = "<b>Failed</b>: " + words.cell("; ".join(figures.failings))
    return failed if figures.failings else "Passed"


def _cell(figure: Metric | None, *, share: bool = False) -> str:
    if figure is None:
        return "–"
    form = "{:.0%}" if share else "{:.2f}"
    text = form.format(figure.value)
    if figure.low is not None and figure.high is not None:
        text += f"<div class='quiet'>{form.format(figure.low)} to {form.format(figure.high)}</div>"
    return text


def _share(figure: Metric) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.0%}"
    return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})"


def _interval(figure: Metric) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f}, {figure.low:.2f} to {figure.high:.2f}"
