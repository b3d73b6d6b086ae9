"""The end of an attempt: every case with its truth, to be looked at again, and what comes back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.review import Store
from core.review.tables import Attempt, PlantedAnswer
from core.systems import SYSTEMS
from core.teaching import planted as planted_answers
from core.teaching import repetition, results
from core.teaching.figures import figures
from core.teaching.results import Row
from core.teaching.rules import Stage
from dashboard.kit import address, words
from dashboard.learn import certificate, curves, planted


def show(store: Store, learner: int, made: Attempt) -> None:
    """What the attempt came to."""
    rows = [row for row in results.of_learner(store, learner) if row.attempt.id == made.id]
    alone = any(row.stage is Stage.ALONE for row in rows)
    first = [row for row in rows if row.stage is Stage.ALONE or not alone]
    found = figures(first, resamples=0)
    st.markdown(
        f"### {sum(row.right for row in first)} of {words.count(len(first), 'case')} right, {found.points:.0f} points"
        + ("" if alone else ", with the models in sight")
    )
    made_up = planted_answers.said(store, [row.item.id for row in rows])
    if made_up:
        planted.reveal(rows, made_up)
    order = {item: place for place, item in enumerate(made.sequence)}
    rows.sort(key=lambda row: (order[row.item.id or 0], row.answer.id or 0))
    picked = st.dataframe(
        pd.DataFrame([_line(row, order[row.item.id or 0] + 1, made_up.get(row.item.id or 0)) for row in rows]),
        hide_index=True,
        key=f"summary-{made.id}",
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = picked["selection"]["rows"] if picked else []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Look at the chosen case" if chosen else "Look at the first case",
            icon=":material/visibility:",
            on_click=address.go,
            kwargs={"look": order[rows[chosen[0] if chosen else 0].item.id or 0] + 1},
        )
        if alone:
            certificate.of_attempt(store, learner, made)
        following = repetition.next_due(store, learner)
        if following is not None:
            st.caption(f":material/event_repeat: What you missed comes back from {following:%Y-%m-%d %H:%M} UTC.")
    st.markdown("##### Your curves, over all you have answered")
    curves.show(store, learner)


def _line(row: Row, place: int, made_up: PlantedAnswer | None) -> dict[str, object]:
    a, system = row.answer, SYSTEMS[row.item.system]
    said = "no answer" if a.finding is None else a.label or (system.finding if a.finding else system.clear)
    truth = row.item.label or (system.finding if row.item.finding else system.clear)
    return {
        "Case": place,
        "Right": "yes" if row.right else "too late" if a.late else "no",
        "With": row.stage.in_words(planted=made_up is not None),
        "You said": said,
        "Truth": truth,
        **({} if made_up is None else {"Planted AI": planted.said(made_up, system)}),
        "Sure": "" if a.confidence is None else f"{a.confidence} %",
        "Points": round(row.points),
        "Mark": "" if a.found is None else "found" if a.found else "beside it",
        "Seconds": round(a.seconds),
    }
