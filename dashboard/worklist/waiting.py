"""Cases that wait for the reader's own opinion: in reading order, without anything that tells what the models say."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.errors import OverreadError
from core.review import Action, Store
from core.review.archives import WorklistRow
from dashboard.kit import messages, routes, who

ORDER = (
    "The order tells nothing about a single case: each block of twenty holds the next fifteen of the ranking and five "
    "drawn from the rest of the list, shuffled. File, patient and recorded diagnosis appear with the models' answers."
)


@st.fragment
def show(store: Store, rows: Sequence[WorklistRow], reader: int, *, unscored: int, total: int) -> None:
    """Button for the next case and the list."""
    who.touch()
    if not rows:
        st.info("You have given your opinion on every case of this list.", icon=":material/done_all:")
        return
    if unscored == total:
        st.caption("Not scored yet: the cases stand in the order of their import.")
    elif unscored:
        st.caption(
            f"Being scored: {total - unscored:,} of {total:,} cases have a place, the others follow behind them."
        )
    if who.may(Action.READ) and st.button("Read the next case", type="primary", icon=":material/visibility:"):
        st.switch_page(routes.READ, query_params={"case": str(rows[0].case_id)})
    table = pd.DataFrame(
        {
            "Case": [row.case_id for row in rows],
            "Slices": [row.slices for row in rows],
            "Date": [row.date or "" for row in rows],
            "State": [str(row.state) for row in rows],
        }
    )
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="waiting-rows",
        height=min(420, 38 + 35 * len(rows)),
        width="stretch",
    )
    if unscored < total:
        st.caption(ORDER)
    picked = event["selection"]["rows"]
    if picked and picked[0] < len(rows):
        _open(store, rows[picked[0]], reader)


def _open(store: Store, row: WorklistRow, reader: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Case {row.case_id}**")
        if who.may(Action.READ) and st.button("Read it", icon=":material/visibility:"):
            st.switch_page(routes.READ, query_params={"case": str(row.case_id)})
        if who.may(Action.UNBLIND):
            with st.popover("Look without reading", icon=":material/visibility_off:"):
                st.caption(
                    "Shows you what the models say about this case. It is recorded, and you cannot read the case blind "
                    "afterwards."
                )
                reason = st.text_input("Reason", key=f"unblind-reason-{row.case_id}", max_chars=200)
                pressed = st.button("Show me", key=f"unblind-{row.case_id}", disabled=not reason.strip())
                if pressed and reason.strip():
                    _unblind(store, row, reader, reason.strip())


def _unblind(store: Store, row: WorklistRow, reader: int, reason: str) -> None:
    try:
        store.unblind(row.case_id, reader, reason)
    except OverreadError as error:
        messages.show(error)
        return
    st.rerun()
