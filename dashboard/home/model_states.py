"""Which models can answer: ready, missing, refused and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.engine.results import ModelState, ModelStatus
from core.systems import SYSTEMS
from dashboard.kit import words

SIGNS = {
    ModelStatus.READY: "●",
    ModelStatus.MISSING: "○",
    ModelStatus.REFUSED: "✕",
    ModelStatus.UNFIT: "–",
    ModelStatus.FAILED: "✕",
}
STYLE = """
<style>
.or-states { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
.or-states th, .or-states td { text-align: left; padding: 5px 10px 5px 0; vertical-align: top;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-states thead th { border-top: none; font-size: 0.78rem; opacity: 0.75; }
.or-states th[scope=rowgroup] { width: 24%; font-weight: 600; }
.or-states .why { opacity: 0.75; font-size: 0.82rem; }
</style>
"""


def show(states: Sequence[ModelState]) -> None:
    """One row per model, grouped by system."""
    body = ""
    for name, system in SYSTEMS.items():
        own = [s for s in states if s.system == name]
        for n, state in enumerate(own):
            head = f"<th scope='rowgroup' rowspan='{len(own)}'>{words.cell(system.title)}</th>" if n == 0 else ""
            body += f"<tr>{head}<td>{words.cell(state.title)}</td><td>{_status(state)}</td></tr>"
    st.html(
        f"{STYLE}<table class='or-states' aria-label='State of every model'><thead><tr><th scope='col'>System</th>"
        f"<th scope='col'>Model</th><th scope='col'>State</th></tr></thead><tbody>{body}</tbody></table>"
    )


def _status(state: ModelState) -> str:
    why = f" <span class='why'>{words.cell(state.reason)}</span>" if state.reason else ""
    if state.status is ModelStatus.READY and state.card and "auc" in state.card.metrics:
        auc = state.card.metrics["auc"]
        caveats = words.caveats(auc, state.system, state.card.data)
        told = "; ".join([words.metric(auc, state.system), *caveats])
        why = f" <span class='why'>test AUC {words.cell(told)}</span>"
    if state.stands_in:
        why += f" <span class='why'>answers {words.cell(state.stands_in)}</span>"
    return f"<span aria-hidden='true'>{SIGNS[state.status]}</span> {words.cell(state.status)}{why}"
