"""The system's ensemble on the case: the mean of its binary models, at a threshold of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.engine.results import Decision, Review
from core.evidence import Evidence
from core.evidence.ensemble import Ensemble, ensemble, mean_finding
from dashboard.evidence import data


@dataclass(frozen=True, eq=False)
class Answer:
    """What the ensemble says: ``(slices,)`` mean calibrated probability of a finding, and the titles of its members."""

    ensemble: Ensemble
    finding: np.ndarray
    titles: tuple[str, ...]

    def decision(self, index: int) -> Decision:
        """Answer on one slice at the ensemble's threshold."""
        return Decision.FINDING if self.finding[index] >= self.ensemble.threshold.value else Decision.CLEAR


def answer(review: Review) -> Answer | None:
    """The ensemble of the models that answered with the very weights their predictions were stored for.

    ``None`` with fewer than two of them, or where they share no validation images.
    """
    stored = {m.card.name: m for m in data.shelf(review.system).models}
    ready = {
        r.state.name: r
        for r in review.ready
        if r.state.card is not None
        and r.state.name in stored
        and stored[r.state.name].card.weights_sha256 == r.state.card.weights_sha256
    }
    models = tuple(stored[name] for name in ready)
    found = _ensemble(tuple(m.sha256 for m in models), models)
    if found is None:
        return None
    members = [ready[name] for name in found.members]
    findings = [r.finding for r in members if r.finding is not None]
    return Answer(found, mean_finding(findings), tuple(r.state.title for r in members))


@st.cache_resource(show_spinner=False, max_entries=16)
def _ensemble(key: tuple[str, ...], _models: tuple[Evidence, ...]) -> Ensemble | None:
    return ensemble(_models)
