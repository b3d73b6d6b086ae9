"""Reports of an archive to take away: summary PDF, all cases as CSV, the list of discrepancies. Made when asked for."""

from __future__ import annotations

import re

import streamlit as st

from core.reports.archive import archive_csv, discrepancy_csv
from core.reports.from_store import archive_report
from core.reports.pdf import archive_pdf
from core.review import Store
from core.review.archives import Installed
from core.review.people import Action, allowed


@st.fragment
def show(store: Store, archive_id: int, models: Installed, reader: int) -> None:
    """Download buttons for an archive, as the reader may see it; nothing for a reader who may not make reports.

    Cases that are still blind for the reader are listed without anything that the models say.
    """
    if not allowed(store.user(reader), Action.REPORT):
        return
    name = re.sub(r"[^\w-]+", "-", store.archive(archive_id).name).strip("-").lower() or f"archive-{archive_id}"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Archive report (PDF)",
            lambda: archive_pdf(archive_report(store, archive_id, models, reader)),
            file_name=f"overread-{name}.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
            key=f"archive-pdf-{archive_id}",
        )
        st.download_button(
            "All cases (CSV)",
            lambda: archive_csv(archive_report(store, archive_id, models, reader)),
            file_name=f"overread-{name}-cases.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
            key=f"archive-csv-{archive_id}",
        )
        st.download_button(
            "Discrepancies (CSV)",
            lambda: discrepancy_csv(archive_report(store, archive_id, models, reader)),
            file_name=f"overread-{name}-discrepancies.csv",
            mime="text/csv",
            icon=":material/rule:",
            on_click="ignore",
            key=f"archive-discrepancies-{archive_id}",
        )
