"""Do the models agree: at a glance, in a sentence, and what deserves a second look."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from core.engine import agreement
from core.engine.results import HeatMap, Review
from core.imaging.study import Series
from core.systems.declaration import System
from dashboard.kit import words

STYLE = """
<style>
.or-votes { display: flex; gap: 4px; align-items: center; flex: none; }
.or-votes.line { align-items: baseline; min-height: 4.2rem; }
.or-vote { width: 14px; height: 14px; border-radius: 50%; border: 2px solid #4c8fb0; box-sizing: border-box; }
.or-vote.yes { background: #4c8fb0; }
.or-sentence { font-size: 1.1rem; font-weight: 600; margin-left: 6px; flex: 1; }
.or-stage { font-size: 0.88rem; opacity: 0.85; }
</style>
"""


def show(review: Review, index: int, system: System) -> None:
    """One dot per vote (filled: a finding), and the sentence."""
    vote = review.votes[index]
    dots = "".join(f"<span class='or-vote{' yes' if voice.says else ''}'></span>" for voice in vote.counted)
    spoken = words.cell(f"{len(vote.yes)} of {len(vote.counted)} models say {system.finding}")
    two_stage = agreement.two_stage(review, index)
    reading = f"<div class='or-stage'>{words.cell(two_stage)}</div>" if two_stage else ""
    st.html(
        f"{STYLE}<div class='or-votes line'><span class='or-votes' role='img' aria-label='{spoken}'>{dots}</span>"
        f"<span class='or-sentence'>{words.cell(agreement.sentence(review, index))}</span></div>{reading}"
    )


def nothing_yet() -> None:
    """The sentence's place before the first answer."""
    st.html(f"{STYLE}<div class='or-votes line'><span class='or-sentence'>The models are being asked</span></div>")


def flags(
    review: Review, index: int, series: Series, heat_maps: tuple[HeatMap, ...], told: Collection[str] = ()
) -> None:
    """What deserves a second look: on the whole series, then on this slice; ``told`` stands on the page already."""
    found = (*review.warnings, *agreement.flags(review, index, series, heat_maps))
    raised = [flag for flag in found if flag.text not in told]
    if raised:
        st.markdown("  \n".join(f":orange[:material/flag:] {words.plain(flag.text)}" for flag in raised))
