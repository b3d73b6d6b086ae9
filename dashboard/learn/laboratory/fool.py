"""Fool the model: change what is no disease and watch the answers; turn one by as little as you can."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.audit.fingerprint import features_of
from core.engine.results import ModelResult, Review
from core.evidence import fooling
from core.evidence.fooling import Turn
from core.imaging.study import Series
from core.preprocessing import windows
from core.simulate import disguise
from core.simulate.disguise import Changed
from core.systems import SYSTEMS
from dashboard.kit import controls, picture, render, words
from dashboard.learn.laboratory import asked, disguises

SIDE = 560
FEATURES = ("spread", "mean", "corner mean", "border mean")  # those that the sliders move
BEST = "fool-best"


def show() -> None:
    """The half; only what is set is drawn anew."""
    st.markdown(
        "Nothing you can do here is a disease. Grey levels, a frame, a mark in the corner, noise: who has learnt the "
        "lesion does not mind them, who has learnt a **shortcut** of the data set does. The lesion and its margin keep "
        "every value."
    )
    _body()


@st.fragment
def _body() -> None:
    middle, left, right = st.columns([6, 4, 5], gap="medium")  # the picture comes first on a phone
    with left:
        system, series, change, which = disguises.chosen()
    plain, made = disguise.changed(series, disguise.Change()), disguise.changed(series, change)
    with st.spinner("The models look …"):
        before, after = asked.review(plain.study, system), asked.review(made.study, system)
    with right:
        shown = asked.gated(after, "fool-overrule")
        first = before.shown(overruled=False)
        st.dataframe(_answers(first, shown, system), hide_index=True, key="fool-answers")
        st.markdown(_moved(made))
        if not after.held_back and not before.held_back:
            _challenge(which, disguises.in_words(change), fooling.turned(before, after, made), before)
    with middle:
        views = ["changed", "as drawn"]
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            view = st.segmented_control(
                "Picture", views, default=views[0], required=True, key="fool-view", label_visibility="collapsed"
            )
            outline = st.toggle("Show where the lesion is", key="fool-truth")
        drawn = (made if view != views[1] else plain).study.series[0]
        picture.show(_drawn(drawn, series, system, outline), told(shown, made, which))
        st.markdown(_short(first, shown))
        st.caption("Simulated: drawn by a computer, not a patient. Read as a single slice.")
    _audit(system, before, plain, made)


def _drawn(shown: Series, first: Series, system: str, outline: bool) -> np.ndarray:
    """In the window of the scan as drawn, so that what was changed is seen."""
    window = controls.offered(first, system)[0]
    grey = windows.to_display(shown.pixels[0], window, invert=windows.shown_inverted(first))
    lesion = shown.truth
    contours = [render.truth_contour(lesion[0])] if outline and lesion is not None and lesion.any() else []
    return render.picture(grey, render.display_size(first, SIDE), contours=contours)


def _answers(before: Review, after: Review, system: str) -> pd.DataFrame:
    then = {result.state.name: result for result in after.results}
    short = words.short_titles([result.state.title for result in before.results])
    return pd.DataFrame(
        [
            {
                "Model": short[result.state.title],
                "As drawn": _probability(result),
                "Now": _probability(then.get(result.state.name)),
                "Threshold": "" if result.threshold is None else f"{result.threshold:.2f}",
                "Says now": _said(then.get(result.state.name), system),
            }
            for result in before.results
        ]
    )


def _probability(result: ModelResult | None) -> str:
    if result is None or result.finding is None or not bool(result.answered[0]):
        return "–"
    return words.probability(float(result.finding[0]))


def _said(result: ModelResult | None, system: str) -> str:
    return "–" if result is None else words.decision(result, 0, SYSTEMS[system]) or "–"


def _short(before: Review, after: Review) -> str:
    """All answers in one line under the picture: on a phone the table lies far below."""
    then = {result.state.name: result for result in after.results}
    short = words.short_titles([result.state.title for result in before.ready])
    said = [
        f"{words.plain(short[result.state.title])} {_probability(result)} → "
        f"**{_probability(then.get(result.state.name))}**"
        for result in before.ready
    ]
    return " · ".join(said) or "No model answers."


def _moved(made: Changed) -> str:
    lesion = "untouched" if made.untouched else "**changed**"
    return (
        f"Change: **{made.distance:.1%}** of the scale (root mean square over all pixels), at most {made.largest:.0%} "
        f"in one; the lesion is {lesion}."
    )


def _challenge(which: str, how: str, turns: Mapping[str, Turn], before: Review) -> None:
    """Turn an answer by as little as you can; the smallest change so far is kept for each model and scan."""
    st.markdown("##### Turn an answer by as little as you can")
    best: dict[tuple[str, str], tuple[float, str]] = st.session_state.setdefault(BEST, {})
    short = words.short_titles([result.state.title for result in before.ready])
    rows = []
    for result in before.ready:
        turn = turns[result.state.name]
        key = which, turn.model
        if turn.counts and turn.distance < best.get(key, (np.inf, ""))[0]:
            best[key] = turn.distance, how
        record = best.get(key)
        rows.append(
            {
                "Model": short[result.state.title],
                "Now": f"turned by {turn.distance:.1%}" if turn.counts else turn.why,
                "Your best": "" if record is None else f"{record[0]:.1%}: {record[1]}",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="fool-turns")
    st.caption(
        "A turn counts while the lesion keeps every value and the gate lets the picture pass. Kept for this visit. An "
        "answer near its threshold turns by little and proves little: try other scans."
    )


def _audit(system: str, review: Review, plain: Changed, made: Changed) -> None:
    """What such features alone tell in the sets that the models learnt from, beside what was done to them here."""
    st.markdown("##### What the audit of the data found")
    cards = [card for result in review.results if (card := result.state.card) is not None]
    first, now = (features_of(one.study.series[0].pixels[0]) for one in (plain, made))
    unit = str(plain.study.series[0].unit)
    rows = [
        {
            "Feature": found.name,
            f"As drawn ({unit})": f"{first[found.name]:.1f}",
            "Now": f"{now[found.name]:.1f}",
            "Set": audit.name,
            "AUC of it alone": f"{found.auc:.3f} ({found.low:.3f} to {found.high:.3f})",
            "In findings": found.direction.removesuffix(" in positives"),
            "Pictures": audit.pictures,
        }
        for audit in fooling.audits(cards)
        for found in audit.shortcuts
        if found.name in FEATURES
    ]
    if not rows:
        st.caption(f"No audit of a set that the models of {SYSTEMS[system].title} learnt from is stored here.")
        return
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="fool-audit")
    beyond = [
        f"{audit.name}: {found.name} {found.auc:.3f} ({found.low:.3f} to {found.high:.3f})"
        for audit in fooling.audits(cards)
        if (found := audit.shortcuts[0]).name not in FEATURES
    ]
    own = [
        f"{label} {figures['auc']:.3f} ({figures['auc_low']:.3f} to {figures['auc_high']:.3f}) on {names}"
        for (names, label), figures in fooling.baselines(cards).items()
    ]
    st.caption(
        "0.5 is chance, 1 tells every finding by that one number; 95 % intervals. Over the whole set, as stored with "
        "its card (`data/cards`), measured by `python -m trainers audit`. "
        + (f"Stronger still, and out of the sliders' reach, in {words.plain('; '.join(beyond))}. " if beyond else "")
        + (f"On the models' own test parts, from their cards: {words.plain('; '.join(own))}. " if own else "")
        + "A model that learnt there had the shortcut at hand; whether it took it is what you try here, on a scan that "
        "a computer drew."
    )


def told(review: Review, made: Changed, which: str) -> str:
    """The picture in words."""
    return f"Simulated {which}, changed by {made.distance:.1%}; {asked.said(review)}"
