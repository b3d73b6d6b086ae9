"""How an archive stands: cases, what could not be read, scoring and its results in sum, versions and drift."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.review import Action, CaseState, Mode, Outcome, Store, older
from core.review.archives import (
    HELD_BACK,
    Installed,
    begin_scoring,
    check_drift,
    installed,
    pending,
    stale_cases,
    sums_tell,
    unfitting,
)
from core.review.tables import Archive
from core.systems import SYSTEMS
from dashboard.archives import versions
from dashboard.kit import messages, who, words
from dashboard.kit.engine import engine

REPORTED = {
    Outcome.UNREADABLE: "could not be read",
    Outcome.DUPLICATE: "are copies of cases already there",
}


def overview(store: Store, archive: Archive) -> None:
    """Counts by state."""
    cases = store.cases(archive.id or 0)
    states = Counter(case.state for case in cases)
    mode = "read blind" if archive.mode == Mode.SECOND_READER else "open"
    with st.container(horizontal=True, gap="small"):
        st.metric("Cases", f"{len(cases):,}", border=True)
        st.metric("With a recorded diagnosis", f"{sum(c.recorded_finding is not None for c in cases):,}", border=True)
        st.metric("Without a system", f"{sum(c.system is None for c in cases):,}", border=True)
        for state in CaseState:
            if states[state]:
                st.metric(state.value.capitalize(), f"{states[state]:,}", border=True)
    st.caption(f"{mode.capitalize()}. {words.plain(archive.note)}".strip())
    unranked = unfitting(cases)
    if unranked:
        count, of = words.count(sum(unranked.values()), "case"), ", ".join(SYSTEMS[name].title for name in unranked)
        # How many and whose, not which words: what is recorded of a case is part of what its reader is not to know.
        st.warning(
            f"{count} of {of} with a recorded diagnosis that is none of that system's classes: nothing is ranked by "
            "it. Import into another archive, with the right system under “Read by”, or say there what the words mean.",
            icon=":material/label_off:",
        )
    kept_whole = older.kept_whole(store).get(archive.id or 0)
    if kept_whole:
        st.warning(words.plain(older.sentence(archive.name, kept_whole)), icon=":material/privacy_tip:")


def unread(store: Store, archive: int) -> None:
    """Files that did not become a case, each with its reason."""
    report = store.import_report(archive)
    for outcome, said in REPORTED.items():
        rows = [row for row in report if row.outcome == outcome]
        if rows:
            with st.expander(f"{words.count(len(rows), 'file')} {said}", icon=":material/report:"):
                st.dataframe(
                    pd.DataFrame([{"File": r.path, "Why": r.reason, "What helps": r.remedy} for r in rows]),
                    hide_index=True,
                    width="stretch",
                )


def systems(store: Store, actor: int, archive: int, names: list[str]) -> None:
    """One block per system of the archive: scoring, results in sum, versions, drift."""
    for name in names:
        st.markdown(f"##### {SYSTEMS[name].title}")
        with messages.shown():
            models = installed(engine(), name)
            if not models.cards:
                st.caption("No model of this system is installed.")
                continue
            _scoring(store, actor, archive, name, models)
            _results(store, actor, archive, models)
            versions.show(store, actor, archive, models)
            _drift(store, actor, archive, models)


def _scoring(store: Store, actor: int, archive: int, name: str, models: Installed) -> None:
    stale = stale_cases(store, archive, models)
    if stale:
        st.warning(
            f"{words.count(len(stale), 'case')} scored by another version of the models only. Operating points and "
            "places on the worklist of one version do not hold for another: score them again.",
            icon=":material/update:",
        )
    label = "Score again with the installed models" if stale else "Score"
    if who.may(Action.SCORE) and st.button(label, key=f"score-{archive}-{name}", icon=":material/play_arrow:"):
        with messages.shown():
            begin_scoring(store, engine(), actor, archive, name)
            st.rerun()


def _results(store: Store, reader: int, archive: int, models: Installed) -> None:
    """In sum only: single cases would tell a reader what the models say."""
    chance_of = {
        d.case_id: float(d.details["probability"])
        for d in store.machine_discrepancies(archive)
        if d.models == models.fingerprint and d.details.get("probability") is not None
    }
    if not chance_of:
        return
    if sums_tell(store, archive, models, reader, chance_of):
        st.caption(HELD_BACK)
        return
    chances = list(chance_of.values())
    expected = sum(chances)
    so_far = " so far" if pending(store, archive, models) else ""
    st.markdown(
        f"{words.count(len(chances), 'case')} ranked{so_far}; about **{expected:.0f}** wrong records expected "
        "among them. Single cases stand on the worklist."
    )
    # Counted here: a histogram drawn by the browser would get one value a case, in the order of the cases.
    counts, edges = np.histogram(chances, bins=20, range=(0.0, 1.0))
    middles = (edges[:-1] + edges[1:]) / 2
    chart = go.Figure(go.Bar(x=middles.tolist(), y=counts.tolist(), width=0.05, marker={"color": "#4c8fb0"}))
    chart.update_layout(
        height=200,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": "chance that the record is wrong", "range": [0, 1], "fixedrange": True},
        yaxis={"title": "cases", "type": "log", "fixedrange": True},
        bargap=0.05,
    )
    st.plotly_chart(
        chart,
        config={"displayModeBar": False},
        key=f"chances-{archive}-{models.system}",
        alt=f"Histogram of the chance of a wrong record over {len(chances)} cases.",
    )


def _drift(store: Store, reader: int, archive: int, models: Installed) -> None:
    scored = {s.case_id for s in store.machine_scores(archive) if models.gave(s) and not s.error}
    if sums_tell(store, archive, models, reader, scored):
        return
    key = f"drift-{archive}-{models.system}"
    if scored and st.button("Compare with the calibration set", key=f"{key}-ask", icon=":material/trending_up:"):
        with st.spinner("Comparing"):
            st.session_state[key] = (models.fingerprint, check_drift(store, archive, models))
    fingerprint, told = st.session_state.get(key, ("", ()))
    if fingerprint != models.fingerprint:
        return
    for one in told:
        if one.drift is None:
            st.caption(f"{words.plain(one.title)} {one.version}: {words.plain(one.why)}")
        elif one.drift.warns:
            st.warning(f"{words.plain(one.title)}: {words.plain(one.drift.sentence)}", icon=":material/trending_up:")
        else:
            st.caption(f"{words.plain(one.title)}: {words.plain(one.drift.sentence)}")
