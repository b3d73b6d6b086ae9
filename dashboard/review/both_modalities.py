"""PET with MR, and PET with CT: where a study holds both, the other slice at this place, and the joint answer."""

from __future__ import annotations

import streamlit as st

from core.engine.pairs import PairAnswer, read_pair, rule_for
from core.engine.results import Decision, Review
from core.imaging.places import BESIDE, Partner, partner
from core.imaging.study import Modality
from core.systems import SYSTEMS
from dashboard.kit import controls, messages, picture, render, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine

SIDE = 300
SHORT = {Modality.PT: "PET", Modality.MR: "MR", Modality.CT: "CT"}
CT_UNASKED = (
    "The wrong-image gate never learnt CT of soft tissue and is not asked about this one: it is read only because it "
    "lies on a PET."
)


@st.fragment
def show(case: OpenCase, review: Review, index: int) -> None:
    """Nothing for a study of one modality; else the joint answers when they are asked for, or why there are none."""
    if not review.ready or case.system is None:
        return
    found = 0
    for other in BESIDE.get(case.series.modality, ()):
        with messages.shown():
            beside = other if case.series.modality is Modality.PT else case.series.modality
            if rule_for(engine(), case.system, beside) is not None:
                found += _offered(case, case.system, index, other)
    if found > 1:
        st.caption("PET is fused with MR and with CT, one at a time, never all three; each answer has its own figures.")


def _offered(case: OpenCase, system: str, index: int, wanted: Modality) -> bool:
    """Whether the other slice was offered."""
    found = partner(case.study, case.series_index, index, wanted)
    if found is None:
        return False
    if isinstance(found, str):
        st.markdown(f":material/join_inner: **{_pair(case, wanted)} together.** Not here: {words.plain(found)}")
        return False
    on = st.toggle(
        f"Read the {SHORT[wanted]} slice at this place too",
        key=f"both-{wanted}-{case.key}",
        help="Asks the model of each modality about its own slice and fuses the two answers.",
    )
    if not on:
        return True
    key = (system, case.series_index, index, str(wanted))
    if key not in case.pairs:
        overruled = (system, found.series_index) in case.overruled_gates
        case.pairs[key] = read_pair(engine(), case.study, system, case.series_index, index, found, overruled=overruled)
    _told(case, index, found, case.pairs[key])
    return True


def _pair(case: OpenCase, wanted: Modality) -> str:
    kinds = {case.series.modality, wanted}
    return " and ".join(name for kind, name in SHORT.items() if kind in kinds)


def _told(case: OpenCase, index: int, found: Partner, answer: PairAnswer) -> None:
    system = SYSTEMS[case.system or ""]
    said = system.finding if answer.decision is Decision.FINDING else system.clear
    other = case.study.series[found.series_index]
    here, there = SHORT[case.series.modality], SHORT[other.modality]
    beside = SHORT[answer.rule.beside]
    places = ((here, case.series, index), (there, other, found.slice_index))
    for cell, (name, series, at) in zip(st.columns(2, gap="small"), places, strict=True):
        with cell:
            view = controls.View(controls.offered(series, case.system)[0], False, controls.NONE, 0.0)
            grey = controls.grey(series, at, view)
            picture.show(render.picture(grey, render.display_size(series, SIDE)), f"{name}, slice {at + 1}")
            st.caption(f"{name}, slice {at + 1}")
    st.markdown(
        f":material/join_inner: **PET and {beside} together: {said}**, probability "
        f"{words.probability(answer.finding)}, threshold {words.probability(answer.rule.threshold.value)} "
        f"(PET alone {words.probability(answer.pet)}, {beside} alone {words.probability(answer.other)}).  \n"
        f"The {there} slice lies {found.distance:.1f} mm from this one."
    )
    if found.assumed:
        st.caption("The files do not say that both series share one space: look whether the two slices show one place.")
    if answer.rule.beside is Modality.CT:
        st.caption(CT_UNASKED)
    st.caption(words.plain(worth(answer, system.name)))


def worth(answer: PairAnswer, system: str) -> str:
    """What the joint answer rests on, in a sentence or two."""
    rule = answer.rule
    models = ", ".join(f"{name} {version}" for name, version in rule.versions.items())
    gained = rule.differences[rule.pet]
    unsure = "" if gained.low > 0 else ": not shown to be better"
    return (
        f"Log-odds of two models ({models}), {SHORT[rule.beside]}'s counted {rule.other_weight:g}. AUC on test pairs "
        f"of slices {words.metric(rule.metrics['auc'], system)}; {gained.value:+.3f} against PET alone "
        f"({gained.low:+.3f} to {gained.high:+.3f}){unsure}."
    )
