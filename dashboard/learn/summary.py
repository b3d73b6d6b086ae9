"""The end of an attempt: every case with its truth, to be looked at again, and what comes back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.review import Store
from core.review.tables import Attempt
from core.systems import SYSTEMS
from core.teaching import repetition, results
from core.teaching.figures import figures
from core.teaching.results import Row
from core.teaching.rules import Stage
from dashboard.kit import address, words
from dashboard.learn import certificate, curves


def show(store: Store, learner: int, made: Attempt) -> None:
    """What the attempt came to."""
    rows = [row for row in results.of_learner(store, learner) if row.attempt.id == made.id]
    alone = [row for row in rows if row.stage is Stage.ALONE]
    found = figures(alone, resamples=0)
    st.markdown(
        f"### {sum(row.right for row in alone)} of {words.count(len(alone), 'case')} right, {found.points:.0f} points"
    )
    order = {item: place for place, item in enumerate(made.sequence)}
    rows.sort(key=lambda row: (order[row.item.id or 0], row.answer.id or 0))
    picked = st.dataframe(
        pd.DataFrame([_line(row, order[row.item.id or 0] + 1) for row in rows]),
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
            on_click=address.keep,
            kwargs={"look": order[rows[chosen[0] if chosen else 0].item.id or 0] + 1},
        )
        certificate.of_attempt(store, learner, made)
        following = repetition.next_due(store, learner)
        if following is not None:
            st.caption(f":material/event_repeat: What you missed comes back from {following:%Y-%m-%d %H:%M} UTC.")
    st.markdown("##### Your curves, over all you have answered")
    curves.show(store, learner)


def _line(row: Row, place: int) -> dict[str, object]:
    a, system = row.answer, SYSTEMS[row.item.system]
    said = "no answer" if a.finding is None else a.label or (system.finding if a.finding else system.clear)
    truth = row.item.label or (system.finding if row.item.finding else system.clear)
    return {
        "Case": place,
        "With": a.stage,
        "You said": said,
        "Truth": truth,
        "Sure": "" if a.confidence is None else f"{a.confidence} %",
        "Right": "yes" if row.right else "too late" if a.late else "no",
        "Points": round(row.points),
        "Mark": "" if a.found is None else "found" if a.found else "beside it",
        "Seconds": round(a.seconds),
    }
