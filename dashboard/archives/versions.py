"""Model versions that scored an archive, and what changed from one to the other, case by case where it is open."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.review import Store
from core.review.archives import (
    HELD_BACK,
    Comparison,
    Installed,
    ScoredVersion,
    compare_versions,
    scored_versions,
    sums_tell,
)
from dashboard.kit import words

MOST_ROWS = 500


def show(store: Store, reader: int, archive: int, models: Installed) -> None:
    """Table of versions; for each model with an older one, what changed."""
    found = scored_versions(store, archive, models)
    if not found:
        return
    older = [v for v in found if not v.installed]
    with st.expander("Versions that scored this archive", icon=":material/history:", expanded=bool(older)):
        st.dataframe(_table(found), hide_index=True, width="stretch")
        shown = store.revealed(archive, reader)
        for old in older:
            now = next((v for v in found if v.installed and v.model == old.model), None)
            if now is not None:
                told = compare_versions(store, archive, models, old.model, old.identity, now.identity)
                held = sums_tell(store, archive, models, reader, {change.case_id for change in told.changes})
                _compared(told, shown, in_sum=not held)


def _table(found: list[ScoredVersion]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Model": v.model,
                "Version": v.version,
                "Installed": "yes" if v.installed else "no",
                "Threshold": None if v.threshold is None else round(v.threshold, 3),
                "Cases": v.cases,
                "Failed": v.errors,
                "Weights": v.weights_sha256[:12],
            }
            for v in found
        ]
    )


def _compared(told: Comparison, shown: set[int], *, in_sum: bool) -> None:
    st.markdown(f"**{words.plain(told.new.model)}.** {words.plain(told.sentence if in_sum else HELD_BACK)}")
    rows = [c for c in told.changes if c.case_id in shown]
    if rows:
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "Case": c.case_id,
                        f"Version {told.old.version}": round(c.old, 3),
                        f"Version {told.new.version}": round(c.new, 3),
                        "Decision": _decision(c.old_positive, c.new_positive),
                    }
                    for c in rows[:MOST_ROWS]
                ]
            ),
            hide_index=True,
            width="stretch",
            height=min(320, 38 + 35 * len(rows)),
            key=f"compared-{told.new.model}-{told.old.weights_sha256[:12]}-{told.old.version}",
        )
    hidden = len(told.changes) - len(rows)
    if hidden:
        st.caption(f"{words.count(hidden, 'case')} not listed: still blind for you.")


def _decision(old: bool, new: bool) -> str:
    said = {True: "finding", False: "clear"}
    return f"{said[old]} → {said[new]}" if old != new else said[new]
