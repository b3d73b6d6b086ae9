"""Cases that were read: what was said first and last, what an arbiter made of it; to open again and to take away."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.csv_cells import frame_csv
from core.review import CaseState, Stage, Store
from core.review.tables import Case as Record
from dashboard.kit import archive_choice, routes, who, words
from dashboard.read import case as read_case
from dashboard.read import reveal

READ_STATES = (CaseState.READING, CaseState.READ, CaseState.ARBITRATION, CaseState.ADJUDICATED)


@st.fragment
def show(store: Store, reader: int) -> None:
    """Table of an archive's read cases that are open to this reader."""
    who.touch()
    archive = archive_choice.archive(store)
    if archive is None or archive.id is None:
        st.info("There is no archive yet.", icon=":material/inventory_2:")
        return
    released = store.revealed(archive.id, reader)
    cases = [c for c in store.cases(archive.id) if c.state in READ_STATES and c.id in released]
    if not cases:
        st.info("No case of this archive has been read and is open to you.", icon=":material/history:")
        return
    table = pd.DataFrame([line(store, case, reader) for case in cases])
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"records-{archive.id}",  # a row that was chosen in another archive is no row of this one
        width="stretch",
    )
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "This table (CSV)",
            frame_csv(table),
            file_name=f"overread-archive-{archive.id}-read.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
        picked = [row for row in event["selection"]["rows"] if row < len(table)]
        if picked and st.button(
            f"Open case {table.iloc[picked[0]]['Case']}: reports, pictures, DICOM objects", icon=":material/visibility:"
        ):
            st.switch_page(routes.READ, query_params={"case": str(table.iloc[picked[0]]["Case"])})
    st.caption(f"{words.count(len(cases), 'case')} read. Readers appear by number.")


def line(store: Store, case: Record, reader: int) -> dict[str, object]:
    """One case in a row: every reader's first and last answer, peer review, truth."""
    assert case.id is not None
    opinions = store.opinions(case.id, reader)
    first = [o for o in opinions if o.stage == Stage.BLIND]
    last = [o for o in opinions if o.stage != Stage.BLIND]
    truth = store.adjudication(case.id)
    mine = store.change_of_mind(case.id, reader)
    return {
        "Case": case.id,
        "State": case.state,
        "Recorded": case.recorded_label or case.recorded_text,
        "Before the models": "; ".join(_said(o.reader, o.finding, o.label, o.confidence, case) for o in first),
        "Final": "; ".join(_said(o.reader, o.finding, o.label, o.confidence, case) for o in last),
        "You changed your mind": ""
        if mine is None
        else ("yes" if mine.finding_changed or mine.label_changed else "no"),
        "Peer review": "; ".join(f"{p.reader}: {p.score}" for p in store.peer_reviews(case.id)),
        "Truth": "" if truth is None else reveal.answer(truth.finding, truth.label, case.system),
        "Your reading time": reveal.spent(
            sum(o.seconds for o in read_case.mine(store, case.id, reader) if o.stage != Stage.FINAL)
        ),
    }


def _said(reader: int, finding: bool, label: str | None, confidence: int, case: Record) -> str:
    return f"{reader}: {reveal.answer(finding, label, case.system)}, {confidence} %"
