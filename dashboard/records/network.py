"""What the DICOM node received, read and sent, and what waits; it is a process of its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.review import Store
from core.settings import settings
from dashboard.kit import who
from dashboard.service.node.config import NodeConfig
from dashboard.service.node.spool import Spool

_EVENTS = {
    "received": "image received",
    "refused": "image refused",
    "rejected": "caller rejected",
    "case": "case made",
    "unread": "could not be read",
    "no result": "no result",
    "queued": "result made",
    "sent": "result sent",
    "put off": "not sent, later again",
    "waits": "waits",
}


@st.fragment(run_every=5)
def show(store: Store) -> None:
    """Counts, results that could not be sent, the journal."""
    config, spool = NodeConfig.of(settings()), Spool(store.images_folder.parent / "dicom")
    if not config.peers and not spool.journal(1):
        st.info(
            "No DICOM node is set up. Name the nodes that may send in `OVERREAD_DICOM_PEERS` and start "
            "`overread node run`; the README tells how.",
            icon=":material/lan:",
        )
        return
    where = ", ".join(config.results) or "nowhere"
    st.caption(
        f"{config.title} on {config.address}:{config.port}. These may send: {', '.join(config.peers) or 'nobody'}. "
        f"Results go to: {where}. Cases go to the archive “{config.archive}”."
    )
    for column, (name, count) in zip(st.columns(4), spool.counts().items(), strict=True):
        column.metric(name.capitalize(), count)
    waiting = spool.waiting()
    if waiting:
        st.markdown("**Results that were not acknowledged yet**")
        table = [
            {"to": one.place, "what": one.kind, "attempts": one.attempts, "next": _in(one.due), "why": one.error}
            for one in waiting
        ]
        st.dataframe(pd.DataFrame(table), hide_index=True)
        if st.button("Try again now", icon=":material/refresh:"):
            who.touch()  # not above: what asks by itself is no use, and would keep an unattended sign-in for ever
            spool.at_once()
            st.rerun()
    lines = [
        {
            "time": datetime.fromtimestamp(line["at"], UTC),
            "event": _EVENTS.get(line["event"], line["event"]),
            "study": line.get("study", ""),
            "with": line.get("caller") or line.get("to") or "",
            "more": line.get("why") or line.get("kind") or line.get("outcome") or "",
        }
        for line in spool.journal()
    ]
    if lines:
        st.dataframe(pd.DataFrame(lines), hide_index=True, height=360)
        st.caption("Studies stand here by a hash of their identifier; the journal names nobody.")


def _in(due: float) -> str:
    left = due - time.time()
    return "now" if left <= 0 else f"in {left:.0f} s" if left < 90 else f"in {left / 60:.0f} min"
