"""Technical details: which model, trained on what, tested on how many; what was read and what was dropped."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.engine.results import Review
from core.evidence.summary import threshold_words
from core.imaging.study import Series, Study
from core.weights.card import ModelCard
from dashboard.kit import words


def show(review: Review | None, study: Study, series: Series) -> None:
    """Everything behind the answer, folded away."""
    with st.expander("Models and their pedigree", icon=":material/history_edu:"):
        states = [r.state for r in review.results if r.state.card] if review else []
        if not states:
            st.write("No model of this system has weights.")
        for state in states:
            if state.card is not None:
                by = "compiled for this machine by OpenVINO" if state.compiled else "by PyTorch"
                model(state.card, state.stands_in or f"from {state.link.files[0]}, computed {by}")
    with st.expander("The study: what was read, assumed and dropped", icon=":material/description:"):
        _reading(study, series)


def model(card: ModelCard, answers: str = "") -> None:
    """One model's pedigree; ``answers`` says from which file."""
    st.markdown(f"**{card.title}** · version {card.version}")
    st.caption(card.pedigree)
    cut = card.threshold
    several = f", {card.members} networks, one for each fold of the patients, averaged" if card.members > 1 else ""
    rows = {
        "Architecture": f"{card.architecture}, {card.parameters:,} parameters{several}",
        **({"Answer": card.averaged} if card.averaged else {}),
        "Trained": f"{card.training.date}, recipe {card.training.recipe}, code {card.training.code_version}",
        "Started from": card.training.origin,
        "Threshold": f"{threshold_words(cut).removeprefix('threshold ')} ({cut.data}, n = {cut.n})",
        "Temperature": f"{card.temperature:.3g}",
        "Weights": card.weights_sha256[:16] + (f", answers {answers}" if answers else ""),
    }
    for used in card.data:
        simulated = f"; {used.simulated_share:.0%} simulated in training" if used.simulated_share else ""
        rows[f"Data: {used.name}"] = (
            f"train {used.train:,}, validation {used.validation:,}, test {used.test:,}; "
            f"split {used.split_fingerprint[:12]}; {used.licence}{simulated}"
        )
    for name, figure in card.metrics.items():
        rows[f"Test {name}"] = words.metric(figure, card.system)
    _table(rows)
    for limit in card.limits:
        st.markdown(f"- {limit}")


def problems(study: Study) -> None:
    """Files of the upload that could not be used: named, not hidden."""
    if not study.problems:
        return
    with st.expander(f"{words.count(len(study.problems), 'file')} could not be used", icon=":material/warning:"):
        for problem in study.problems:
            st.text(f"{problem.name}: {problem.reason} {problem.remedy}".strip())


def _reading(study: Study, series: Series) -> None:
    rows = {
        "Source": str(study.source) + (", simulated" if study.simulated else ""),
        "Series": series.description,
        "Matrix": words.size(series),
        "Voxel": words.millimetres(series),
        "Values": str(series.unit),
        "Plane": str(series.plane or "unknown"),
        "Body part": series.body_part or "unknown",
        "SHA-256": study.sha256,
        **dict(series.tags),
    }
    _table({name: str(value) for name, value in rows.items()})
    if study.case_note:
        st.markdown(f"**What this case is meant to show.** {words.plain(study.case_note)}")
    for note in series.notes:
        st.text(note)
    if study.dropped_tags:
        st.markdown(f"**{words.count(len(study.dropped_tags), 'identifying tag')} dropped on entry**")
        st.text(", ".join(study.dropped_tags))
    else:
        st.caption("The format carries no identifying tags, or none were present.")


def _table(rows: Mapping[str, str]) -> None:
    import pandas as pd  # here: the head of every study stands above, and a first answer does not wait for it

    st.table(pd.DataFrame({"": rows.keys(), " ": rows.values()}), hide_index=True, hide_header=True)
