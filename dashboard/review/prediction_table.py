"""One row per model: what it says, how surely, at which threshold, how fast; or why it says nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.engine import certainty
from core.engine.ensemble import EnsembleAnswer
from core.engine.results import Decision, ModelResult, ModelState, ModelStatus, Review
from core.imaging.study import Turned
from core.systems.declaration import System
from dashboard.kit import words
from dashboard.review import switches
from dashboard.review.drawn_models import DrawnModel

STYLE = """
<style>
.or-table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
.or-table th { text-align: left; font-weight: 600; font-size: 0.78rem; opacity: 0.75; padding: 2px 8px 4px 0; }
.or-table td { padding: 8px 8px 8px 0; vertical-align: top;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-table th[scope=row] { font-size: 0.9rem; opacity: 1; padding: 8px 8px 8px 0; vertical-align: top; width: 28%;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-quiet { font-size: 0.78rem; opacity: 0.75; font-weight: 400; }
.or-bar { display: grid; grid-template-columns: 1fr 3.2em; gap: 6px; align-items: center;
  margin-bottom: 3px; }
.or-bar .label { font-size: 0.78rem; opacity: 0.8; grid-column: 1 / 3; margin-bottom: -4px; }
.or-track { position: relative; height: 12px; border-radius: 2px;
  background: color-mix(in srgb, currentColor 14%, transparent); }
.or-fill { position: absolute; inset: 0 auto 0 0; border-radius: 2px; background: #4c8fb0; }
.or-fill.minor { background: color-mix(in srgb, currentColor 40%, transparent); }
.or-mark { position: absolute; top: -4px; bottom: -4px; width: 2px; background: currentColor; }
.or-num { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.or-decision { font-weight: 600; }
.or-table td.said { min-width: 6.2em; }
.or-table tr.or-waits { opacity: 0.7; }
.or-table tr.or-together > * { border-top-width: 3px; border-top-style: double; }
@media (min-width: 641px) {  /* columns stay as they are while answers come */
  .or-table { table-layout: fixed; }
  .or-table thead th:nth-child(2) { width: 33%; }
  .or-table thead th:nth-child(3) { width: 28%; }
  .or-table thead th:nth-child(4) { width: 11%; }
}
@media (max-width: 640px) {
  .or-table thead { position: absolute; left: -9999px; }
  .or-table tr { display: grid; grid-template-columns: 1fr auto; }
  .or-table th[scope=row] { width: auto; }
  .or-table td, .or-table tr.or-together > td { border-top: none; padding-top: 0; }
  .or-table td.bars { grid-column: 1 / 3; grid-row: 2; }
  .or-table td.time { text-align: right; grid-row: 3; grid-column: 2; padding-right: 0; }
  .or-table td.said { grid-row: 3; }
}
</style>
"""


def show(
    review: Review,
    index: int,
    system: System,
    drawn: Sequence[DrawnModel] = (),
    below: str = "",
    turned: Turned | None = None,
) -> None:
    """Table of all models of the system on one slice.

    Args:
        drawn: models that draw over the picture beside the table, for their switches. below: HTML under the table.
        turned: how the slices are views of one volume, where they are.
    """
    short = words.short_titles([r.state.title for r in review.results])
    held = review.gate is not None and review.gate.stopped and not review.ready
    titles = _titles([r.state for r in review.results], drawn)
    rows = "".join(_row(result, index, system, titles[result.state.name], held, turned) for result in review.results)
    if review.ensemble is not None:
        rows += _together(review, review.ensemble, index, system, short)
    several = any(r.finding is not None and len(r.finding) > 1 for r in review.results)
    where = f"on {'view' if turned else 'slice'} {index + 1}" if several else ""
    _table(rows, f"What each model says {where}", waits=not review.complete, below=below)


def waiting(states: Sequence[ModelState], system: System, drawn: Sequence[DrawnModel] = (), below: str = "") -> None:
    """The table before the image check has spoken: every model in its place. ``drawn``, ``below``: see :func:`show`."""
    titles = _titles(states, drawn)
    ready = [ModelResult(s, waiting=np.ones(1, bool) if s.status is ModelStatus.READY else None) for s in states]
    rows = "".join(_row(r, 0, system, titles[r.state.name], held=False) for r in ready)
    _table(rows, "What each model says", waits=True, below=below)


def _titles(states: Sequence[ModelState], drawn: Sequence[DrawnModel]) -> dict[str, tuple[str, str]]:
    """For each model its name, with its line where it draws one, and its switches; HTML."""
    short = words.short_titles([s.title for s in states])
    lines = {one.state.name: (switches.line(one), switches.of_model(one)) for one in drawn}
    found = {}
    for state in states:
        line, buttons = lines.get(state.name, ("", ""))
        title = f"<span title='{words.cell(state.title)}'>{words.cell(short[state.title])}</span>"
        found[state.name] = line + title, buttons
    return found


def _table(rows: str, label: str, *, waits: bool, below: str) -> None:
    st.html(
        f"{STYLE}{switches.STYLE}<table class='or-table' aria-busy='{str(waits).lower()}' aria-label='{label}'>"
        f"<thead><tr><th scope='col'>Model</th><th scope='col'>Probability of a finding, | threshold</th>"
        f"<th scope='col'>Says</th><th scope='col'>Time</th></tr></thead><tbody>{rows}</tbody></table>{below}"
    )


def bars(result: ModelResult, index: int, system: System) -> list[tuple[str, float, float | None]]:
    """Bars of one row: label, calibrated probability, threshold where there is one on that quantity."""
    assert result.finding is not None
    assert result.calibrated is not None
    classes = result.state.card.classes if result.state.card else system.classes
    finding = float(result.finding[index])
    if len(classes) <= 2:
        return [(system.finding, finding, result.threshold)]
    each = [(name, float(p), None) for name, p in zip(classes, result.calibrated[index], strict=False)]
    return [(system.finding, finding, result.threshold), *each]


def _row(
    result: ModelResult,
    index: int,
    system: System,
    named: tuple[str, str],
    held: bool,
    turned: Turned | None = None,
) -> str:
    title, buttons = named
    if result.waits(index):
        return _waiting(result, system, title, buttons)
    if result.finding is None:
        return f"<tr><th scope='row'>{title}</th><td class='bars' colspan='3'>{_absence(result, held)}</td></tr>"
    if result.failed(index):
        told = "<strong>Failed on this slice.</strong> <span class='or-quiet'>Its answer is not a finite number.</span>"
        return f"<tr><th scope='row'>{title}</th><td class='bars' colspan='3'>{told}</td></tr>"
    wanted = bars(result, index, system)
    drawn = "".join(_bar(*bar, minor=n > 0, named=len(wanted) > 1) for n, bar in enumerate(wanted))
    quality = _quality(result)
    if turned is not None and (steady := certainty.round_about(result, turned)):
        quality += f"<div class='or-quiet'>{words.cell(steady)}</div>"
    sign = "▲" if result.decision(index) is Decision.FINDING else "▽"
    says = words.cell(words.decision(result, index, system))
    gated = ""
    if result.gated is not None and bool(result.gated[index]):
        gated = "<div class='or-quiet'>mask withheld: its gate does not say yes here</div>"
    return (
        f"<tr><th scope='row'>{title}{quality}</th><td class='bars'>{drawn}{buttons}</td>"
        f"<td class='said'><span class='or-decision'>{sign}&nbsp;{says}</span>{gated}</td>"
        f"<td class='time or-num'>{words.seconds(result.seconds)}</td></tr>"
    )


def _waiting(result: ModelResult, system: System, title: str, buttons: str) -> str:
    """The row of a model that is still to be asked, as high as it will be."""
    classes = result.state.card.classes if result.state.card else system.classes
    labels = [system.finding] if len(classes) <= 2 else [system.finding, *classes]
    empty = "".join(_bar(label, None, None, minor=n > 0, named=len(labels) > 1) for n, label in enumerate(labels))
    return (
        f"<tr class='or-waits'><th scope='row'>{title}{_quality(result)}</th>"
        f"<td class='bars'>{empty}{buttons}</td>"
        f"<td class='said'><span class='or-quiet'>waiting</span></td><td class='time or-num'>–</td></tr>"
    )


def _together(review: Review, found: EnsembleAnswer, index: int, system: System, short: dict[str, str]) -> str:
    """The ensemble's row, told apart from the models by its rule, its italics and what it says of itself."""
    of, auc = found.ensemble, found.ensemble.metrics.get("auc")
    members = ", ".join(short[r.state.title] for r in review.results if r.state.name in of.members)
    chosen_on = words.counted(of.threshold.groups, system.name)
    basis = f"mean of {members}; threshold from {of.threshold.n} validation images ({chosen_on})"
    if auc is not None:
        tested = words.counted(auc.groups, system.name)
        basis += f"; test AUC {auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f}), n = {auc.n}, {tested}"
        caveat = words.no_error(auc, system.name)
        basis += f"; {caveat}" if caveat else ""
    decision = found.decision(index)
    if decision is None:
        waits = any(r.waits(index) for r in review.results if r.state.name in of.members)
        why = "Its members are still being asked." if waits else "A member failed on this slice."
        silent = f"<strong>No answer{' yet' if waits else ''}.</strong> <span class='or-quiet'>{why}</span>"
        head = "<tr class='or-together'><th scope='row'><em>Ensemble</em></th>"
        return f"{head}<td class='bars' colspan='3'>{silent}</td></tr>"
    sign, said = ("▲", system.finding) if decision is Decision.FINDING else ("▽", system.clear)
    drawn = _bar(system.finding, float(found.finding[index]), of.threshold.value, minor=False, named=False)
    return (
        f"<tr class='or-together'><th scope='row'><em>Ensemble</em></th>"
        f"<td class='bars'>{drawn}<div class='or-quiet'>{words.cell(basis)}</div></td>"
        f"<td class='said'><span class='or-decision'>{sign}&nbsp;{words.cell(said)}</span></td>"
        f"<td class='time or-num' title='no pass of its own'>–</td></tr>"
    )


def _bar(label: str, value: float | None, threshold: float | None, *, minor: bool, named: bool) -> str:
    """A bar with its number; an empty one of the same height for an answer that is still to come."""
    mark, spoken = "", ""
    if threshold is not None:
        title = f"threshold {words.probability(threshold)}"
        mark = f"<div class='or-mark' style='left: calc({threshold * 100:.1f}% - 1px)' title='{title}'></div>"
        spoken = f", {title}"
    number = words.cell("…" if value is None else words.probability(value))
    caption = f"<span class='label'>{words.cell(label)}</span>" if named else ""
    return (
        f"<div class='or-bar'>{caption}"
        f"<div class='or-track' role='img' aria-label='{words.cell(label)} {number}{spoken}'>"
        f"<div class='or-fill {'minor' if minor else ''}' style='width: {(value or 0) * 100:.1f}%'></div>{mark}</div>"
        f"<span class='or-num'>{number}</span></div>"
    )


def _quality(result: ModelResult) -> str:
    card = result.state.card
    if card is None or "auc" not in card.metrics:
        return ""
    auc = card.metrics["auc"]
    interval = f" ({auc.low:.2f} to {auc.high:.2f})" if auc.low is not None and auc.high is not None else ""
    more = "".join(f"; {one}" for one in words.caveats(auc, card.system, card.data))
    return f"<div class='or-quiet'>test AUC {auc.value:.2f}{interval}{more}</div>"


def _absence(result: ModelResult, held: bool) -> str:
    state = result.state
    if held and state.status is ModelStatus.READY:
        return "<strong>Withheld.</strong> <span class='or-quiet'>The image check stopped this image.</span>"
    lead = {
        ModelStatus.MISSING: "No weights yet.",
        ModelStatus.REFUSED: "Refused.",
        ModelStatus.UNFIT: "Not for this image.",
        ModelStatus.FAILED: "Failed.",
        ModelStatus.READY: "Did not answer.",
    }[state.status]
    return f"<strong>{lead}</strong> <span class='or-quiet'>{words.cell(state.reason)}</span>"
