"""The archive's report to take away: summary, all cases, and the discrepancy list; blind cases stay blind in it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.reports.archive import ArchiveReport, archive_csv, discrepancy_csv
from core.reports.from_store import archive_report
from core.reports.pdf.archive_pages import archive_pdf
from core.review import Action, Store
from dashboard.kit import who
from dashboard.kit.archive_choice import Chosen

FILES: tuple[tuple[str, str, str, str, Callable[[ArchiveReport], bytes | str]], ...] = (
    ("Summary (PDF)", "picture_as_pdf", "summary.pdf", "application/pdf", archive_pdf),
    ("All cases (CSV)", "table", "cases.csv", "text/csv", archive_csv),
    ("Discrepancies (CSV)", "rule", "discrepancies.csv", "text/csv", discrepancy_csv),
)


def show(store: Store, chosen: Chosen, reader: int) -> None:
    """Buttons; each file is made when it is asked for."""
    if not (who.may(Action.REPORT) and chosen.models.cards):
        return
    with st.container(horizontal=True, gap="small"):
        for label, icon, name, mime, make in FILES:
            st.download_button(
                label,
                _made(store, chosen, reader, make),
                file_name=f"overread-archive-{chosen.number}-{name}",
                mime=mime,
                icon=f":material/{icon}:",
                on_click="ignore",
                key=f"take-{chosen.number}-{chosen.models.system}-{name}",
            )


def _made(
    store: Store, chosen: Chosen, reader: int, make: Callable[[ArchiveReport], bytes | str]
) -> Callable[[], bytes | str]:
    return lambda: make(archive_report(store, chosen.number, chosen.models, reader))
