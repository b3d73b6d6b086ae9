"""Cases that wait for a third look, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.review import Store
from core.review.tables import Case as Record
from core.systems import SYSTEMS
from dashboard.kit import words
from dashboard.read import case as read_case

KEY = "arbitration-queue"


def show(store: Store) -> None:
    """The queue; a click on a row opens the case."""
    waiting = store.arbitration_queue()
    if not waiting:
        st.info(
            "Nothing waits. A case comes here when a peer review scores its recorded diagnosis 2b, 3a or 3b.",
            icon=":material/done_all:",
        )
        return
    st.caption(f"{words.count(len(waiting), 'case')} waiting, the oldest first. Select one to open it.")
    archives = {a.id: a.name for a in store.archives()}
    rows = []
    for one in waiting:
        record = store.case(one.case_id)
        scores = sorted(p.score for p in store.peer_reviews(one.case_id))
        rows.append(
            {
                "Case": one.case_id,
                "Archive": archives.get(record.archive_id, ""),
                "System": SYSTEMS[record.system].title if record.system in SYSTEMS else "",
                "Scores": ", ".join(scores),
                "Waiting (days)": round((datetime.now(UTC) - one.opened).total_seconds() / 86400, 1),
            }
        )
    numbers = [one.case_id for one in waiting]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        on_select=lambda: _open(numbers),
        selection_mode="single-row",
        key=KEY,
        width="stretch",
    )


def _open(numbers: Sequence[int]) -> None:
    """The case of the row that was selected, among those that the table showed: others may have left the queue since.

    Args:
        numbers: of the cases, row by row.
    """
    picked = st.session_state[KEY]["selection"]["rows"]
    if picked:
        read_case.choose(numbers[picked[0]])


def holds(store: Store, record: Record) -> bool:
    """Whether a case waits for an arbiter or has been before one; says so where it does not."""
    assert record.id is not None
    waits = any(one.case_id == record.id for one in store.arbitration_queue(record.archive_id))
    if not waits and store.adjudication(record.id) is None:
        st.info(f"{read_case.title(record)} does not wait for an arbiter.")
        return False
    return True
