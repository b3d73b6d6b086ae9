"""Reports of a case to take away: PDF, JSON, CSV, and DICOM objects for a DICOM upload. Made when asked for.

So are highdicom and ReportLab loaded: nobody waits for them who only looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.engine.results import Review
from core.reports.case import CaseReport, OpinionLine, key_slices
from core.reports.files import case_csv, case_json
from core.reports.from_store import opinion_lines
from dashboard.kit import messages, slices
from dashboard.kit.cases import OpenCase
from dashboard.kit.controls import View
from dashboard.review import heat_maps
from dashboard.viewer import measures

lines = opinion_lines  # the store's opinions as :func:`show` takes them

_MADE = "report-dicom"  # the session keeps the DICOM objects of one case only: they can be large
_DICOM_HELP = (
    "DICOM SEG (masks and their probabilities), structured reports (TID 1500: every answer; outlines with coordinates, "
    "which viewers go to) and secondary captures. Unlike everything else here they carry the patient's name, number, "
    "birth date and sex, the accession and study number, date and referring physician from the uploaded files; the "
    "README in the zip lists what they hold."
)
_MAPS_HELP = (
    "DICOM Parametric Maps: each model's probability of every pixel as a 32-bit number, for calculations. "
    "They are large, and few viewers open them."
)


@st.fragment
def show(
    case: OpenCase,
    review: Review | None,
    opinions: Sequence[OpinionLine] | None = None,
    *,
    view: View | None = None,
    beside: Callable[[], None] | None = None,
) -> None:
    """Download buttons for the reports of a case.

    Args:
        review: what the models said; nothing is offered before that.
        opinions: the locked opinions that the reader may see, by :func:`lines`. ``None`` outside second-reader mode;
            an empty sequence is a case that is still blind, and that one gets no report.
        view: window and inversion on the screen.
        beside: draws what stands in the same row, before the reports.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if beside is not None:
            beside()
        if opinions is not None and not opinions:
            st.caption("Reports can be downloaded once your opinion is locked.")
            return
        if review is None:
            return
        stem = f"overread-{case.key}-{review.system}"
        _button("Report (PDF)", "picture_as_pdf", f"{stem}.pdf", "application/pdf",
                lambda: _pdf(report(case, review, opinions, view)))  # fmt: skip
        _button("Report (JSON)", "data_object", f"{stem}.json", "application/json",
                lambda: case_json(report(case, review, opinions, view)))  # fmt: skip
        _button("Numbers (CSV)", "table", f"{stem}.csv", "text/csv",
                lambda: case_csv(report(case, review, opinions, view)))  # fmt: skip
        if case.originals and review.ready:
            _dicom(case, review, opinions, view, stem)


def forget() -> None:
    """Let go the DICOM objects that were made."""
    st.session_state.pop(_MADE, None)


def report(
    case: OpenCase, review: Review, opinions: Sequence[OpinionLine] | None = None, view: View | None = None
) -> CaseReport:
    """What a report of the series on the screen is made of, heat maps of its key slices included.

    PDF, JSON and CSV come from this one place, so that they carry the same content hash.
    """
    shown = slices.index(case)
    return CaseReport(
        study=case.study,
        series_index=case.series_index,
        review=review,
        shown=shown,
        window=view.window if view else None,
        opinions=None if opinions is None else tuple(opinions),
        drawn=measures.parts(case.measured, case.series),
        system_reason="the reader" if case.overruled else case.match.reason,
        overruled=case.overruled,
        heat_maps=tuple(
            heat_maps.tested(case, r, index)
            for index in key_slices(review, shown)
            for r in review.ready
            if heat_maps.rule_of(r.state).passed
        ),
    )


def _pdf(made: CaseReport) -> bytes:
    from core.reports.pdf import case_pdf

    return case_pdf(made)


def _button(label: str, icon: str, name: str, mime: str, make: Callable[[], bytes | str]) -> None:
    st.download_button(
        label, make, file_name=name, mime=mime, icon=f":material/{icon}:", on_click="ignore", key=f"report-{name}"
    )


def _dicom(
    case: OpenCase, review: Review, opinions: Sequence[OpinionLine] | None, view: View | None, stem: str
) -> None:
    """Made by one button, taken by the next: it takes seconds, and what fails must be said on the page."""
    series, maps = f"{stem}-{case.series_index}", False
    wanted = st.button("Make DICOM objects", icon=":material/deployed_code:", key=f"make-{series}", help=_DICOM_HELP)
    if any(r.mask_probability is not None for r in review.ready):
        maps = st.checkbox("with probability maps", key=f"maps-{series}", help=_MAPS_HELP)
    # What was measured, locked, overruled or asked for since is not in those that were made before.
    holds = (series, maps, id(case.study), id(review), list(case.measured), len(opinions or ()))
    if wanted:
        from core.reports.dicom import dicom_objects, dicom_zip, find_source

        st.session_state.pop(_MADE, None)
        with messages.shown(), st.spinner("Writing segmentations, structured reports and overlays"):
            made = report(case, review, opinions, view)
            source = find_source(case.originals, case.series)
            st.session_state[_MADE] = (holds, dicom_zip(dicom_objects(made, source, probabilities=maps)))
    made_of, data = st.session_state.get(_MADE, (None, b""))
    if made_of == holds:
        st.download_button(
            f"DICOM objects (zip, {len(data) / 1e6:.1f} MB)",
            data,
            file_name=f"{stem}-dicom.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
            key=f"take-{series}",
        )
        st.caption(
            "These files name the patient as the upload did, so that they file to the right patient. "
            "The README in the zip lists all that they carry."
        )
