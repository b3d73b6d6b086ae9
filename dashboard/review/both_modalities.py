"""PET and MR together: where a study holds both, the slice of the other one at this place, and the joint answer."""

from __future__ import annotations

import streamlit as st

from core.engine.pairs import PairAnswer, read_pair, rule_for
from core.engine.results import Decision, Review
from core.imaging.places import Partner, partner
from core.imaging.study import Modality
from core.systems import SYSTEMS
from dashboard.kit import controls, messages, picture, render, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine

SIDE = 300
SHORT = {Modality.PT: "PET", Modality.MR: "MR"}


@st.fragment
def show(case: OpenCase, review: Review, index: int) -> None:
    """Nothing for a study of one modality; else the joint answer when it is asked for, or why there is none."""
    if not review.ready or case.system is None:
        return
    with messages.shown():
        if rule_for(engine(), case.system) is not None:
            _offered(case, case.system, index)


def _offered(case: OpenCase, system: str, index: int) -> None:
    found = partner(case.study, case.series_index, index)
    if found is None:
        return
    if isinstance(found, str):
        st.markdown(f":material/join_inner: **Both modalities.** Not here: {words.plain(found)}")
        return
    other = case.study.series[found.series_index]
    on = st.toggle(
        f"Read the {SHORT[other.modality]} slice at this place too",
        key=f"both-{case.key}",
        help="Asks the model of each modality about its own slice and fuses the two answers.",
    )
    if not on:
        return
    key = (system, case.series_index, index)
    if key not in case.pairs:
        overruled = (system, found.series_index) in case.overruled_gates
        case.pairs[key] = read_pair(engine(), case.study, system, case.series_index, index, found, overruled=overruled)
    _told(case, index, found, case.pairs[key])


def _told(case: OpenCase, index: int, found: Partner, answer: PairAnswer) -> None:
    system = SYSTEMS[case.system or ""]
    said = system.finding if answer.decision is Decision.FINDING else system.clear
    other = case.study.series[found.series_index]
    here, there = SHORT[case.series.modality], SHORT[other.modality]
    places = ((here, case.series, index), (there, other, found.slice_index))
    for cell, (name, series, at) in zip(st.columns(2, gap="small"), places, strict=True):
        with cell:
            view = controls.View(controls.offered(series, case.system)[0], False, controls.NONE, 0.0)
            grey = controls.grey(series, at, view)
            picture.show(render.picture(grey, render.display_size(series, SIDE)), f"{name}, slice {at + 1}")
            st.caption(f"{name}, slice {at + 1}")
    st.markdown(
        f":material/join_inner: **Both modalities: {said}**, probability {words.probability(answer.finding)}, "
        f"threshold {words.probability(answer.rule.threshold.value)} "
        f"(PET alone {words.probability(answer.pet)}, MR alone {words.probability(answer.mr)}).  \n"
        f"The {there} slice lies {found.distance:.1f} mm from this one."
    )
    if found.assumed:
        st.caption("The files do not say that both series share one space: look whether the two slices show one place.")
    st.caption(words.plain(worth(answer, system.name)))


def worth(answer: PairAnswer, system: str) -> str:
    """What the joint answer rests on, in a sentence or two."""
    rule = answer.rule
    models = ", ".join(f"{name} {version}" for name, version in rule.versions.items())
    gained = rule.differences[rule.pet]
    return (
        f"Log-odds of two models ({models}), MR's counted {rule.mr_weight:g}. AUC on test pairs of slices "
        f"{words.metric(rule.metrics['auc'], system)}; {gained.value:+.3f} against PET alone "
        f"({gained.low:+.3f} to {gained.high:+.3f})."
    )
