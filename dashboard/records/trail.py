"""The audit trail: its latest entries, and the check that nothing was changed behind its back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.review import Store, trail
from dashboard.kit import who

LATEST = 200


@st.fragment
def show(store: Store) -> None:
    """A button that verifies the whole chain, and the latest entries."""
    who.touch()
    if st.button("Verify the whole trail", icon=":material/verified:"):
        verdict = trail.verify(store)
        if verdict.ok:
            st.success(f"{verdict.entries:,} entries, none changed. Head: {verdict.head}", icon=":material/verified:")
        else:
            st.error(f"Damaged: {verdict.reason}.", icon=":material/gpp_bad:")
    entries = store.audit_trail(limit=LATEST)
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "No.": e.seq,
                    "Time (UTC)": e.time[:19].replace("T", " "),
                    "By": e.actor,
                    "What": e.action,
                    "On": e.subject,
                }
                for e in entries
            ]
        ),
        hide_index=True,
        width="stretch",
        height=420,
    )
    st.caption(
        f"The latest {len(entries):,} entries. Each holds the hash of the one before, so a change anywhere breaks the "
        "chain. Keep the head somewhere else: with it, a chain cut short is noticed too. "
        "On the command line: python -m core.review verify."
    )
