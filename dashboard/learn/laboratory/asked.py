"""What the models say of a picture of the laboratory: asked once, and held back where the gate stops it."""

from __future__ import annotations

import streamlit as st

from core.engine.results import Review
from core.imaging.study import Study
from dashboard.kit import words
from dashboard.kit.engine import engine


def review(study: Study, system: str) -> Review:
    """Everything the models say, whatever the gate says."""
    return _review(engine().fingerprint(system), system, study.sha256, study)


@st.cache_resource(show_spinner=False, max_entries=48)
def _review(fingerprint: str, system: str, sha256: str, _study: Study) -> Review:
    return engine().review(_study, system)


def said(found: Review) -> str:
    """Every model with its probability of a finding, in words for a picture."""
    return ", ".join(
        f"{r.state.title} {words.probability(float(r.finding[0]))}"
        for r in found.ready
        if r.finding is not None and r.answered[0]
    )


def gated(found: Review, key: str) -> Review:
    """What may be shown: where the gate stops the picture, nothing until it is overruled."""
    gate = found.gate
    if gate is None or not gate.stopped:
        return found.shown(overruled=False)
    st.warning(
        "The gate no longer takes this for such a scan: " + words.plain(" ".join(flag.text for flag in gate.reasons)),
        icon=":material/front_hand:",
    )
    return found.shown(overruled=st.toggle("Ask the models all the same", key=key))
