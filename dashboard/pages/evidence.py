"""Evidence: what each number of each model is worth, from its stored predictions."""

from __future__ import annotations

import streamlit as st

from dashboard.evidence import sections
from dashboard.kit import messages

st.title("Evidence")
with messages.shown():
    found, split = sections.choose()
    if sections.state(found, split):
        for section in (
            sections.performance,
            sections.modalities,
            sections.per_class,
            sections.explorer,
            sections.scores,
            sections.calibration,
            sections.decision,
            sections.breakdowns,
            sections.by_subgroup,
            sections.classes,
            sections.segmentation,
            sections.heat_maps,
            sections.gate,
            sections.pairs,
        ):
            with messages.shown():
                section(found, split)
        with messages.shown():
            sections.conformal(found)
        sections.take_away(found, split)
