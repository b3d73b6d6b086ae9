"""Three-way triage of every model's answer: low, refer or high at a level that the reader picks."""

from __future__ import annotations

import streamlit as st

from core.engine.results import Review
from core.engine.triage import LEVEL, LEVELS, Sorted, Triage
from dashboard.kit import words
from dashboard.kit.cases import OpenCase

SAYS = {
    Triage.LOW: "low: only {classes} fits",
    Triage.REFER: "refer: {classes}",
    Triage.HIGH: "high: only {classes} fits",
}
STYLE = """
<style>
.or-triage { width: 100%; border-collapse: collapse; font-size: 0.88rem; }
.or-triage th, .or-triage td { text-align: left; vertical-align: top; padding: 5px 8px 5px 0; font-weight: 400;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-triage th { width: 32%; }
.or-triage small { display: block; opacity: 0.75; }
</style>
"""
HELP = (
    "Conformal prediction, class by class: of the cases of each class at least this share keeps its class in the set, "
    "for cases like the calibration images. One class left is an answer; both, or none, ask for a person to decide."
)


@st.fragment
def show(case: OpenCase, review: Review, index: int) -> None:
    """One row per model that answered and has calibration images; nothing where none has."""
    ready = [r for r in review.ready if r.state.name in review.stored]
    if not ready:
        return
    level = st.segmented_control(
        "Triage: promised coverage",
        LEVELS,
        default=LEVEL,
        required=True,
        format_func=lambda share: f"{share:.0%}",
        key=f"triage-{case.key}-{case.series_index}",
        help=HELP,
    )
    short = words.short_titles([r.state.title for r in review.results])
    found = review.triage(index, level or LEVEL)
    rows = "".join(_row(short[r.state.title], r.failed(index), found.get(r.state.name), review.system) for r in ready)
    st.html(f"{STYLE}<table class='or-triage' aria-label='Triage of each model'><tbody>{rows}</tbody></table>")


def _row(name: str, failed: bool, found: Sorted | None, system: str) -> str:
    if failed:
        said = "not sorted <small>The model failed on this slice.</small>"
    elif found is None:
        said = "not sorted <small>The stored predictions belong to another version of this model.</small>"
    else:
        said = f"<strong>{words.cell(_said(found))}</strong><small>{words.cell(_basis(found, system))}</small>"
    return f"<tr><th scope='row'>{words.cell(name)}</th><td>{said}</td></tr>"


def _said(found: Sorted) -> str:
    listed = " and ".join(f"“{name}”" for name in found.classes)
    if found.triage is Triage.REFER:
        return SAYS[Triage.REFER].format(
            classes=f"{listed} both fit" if len(found.classes) == 2 else f"{listed} fit" if listed else "no class fits"
        )
    return SAYS[found.triage].format(classes=listed) if len(found.classes) == 1 else f"{found.triage}: {listed}"


def _basis(found: Sorted, system: str) -> str:
    counted = ", ".join(f"{n} {name}" for name, n in found.cases.items())
    text = f"{counted} in the validation part ({words.counted(found.groups, system)}), model version {found.version}"
    if not found.short:
        return text
    names = " and ".join(found.short)
    return f"Too few to guarantee {found.level:.0%} for {names} ({found.needed} needed): always in the set. {text}"
