"""The line above the viewer: which study, which series, which system and why."""

from __future__ import annotations

import streamlit as st

from core.systems import SYSTEMS
from dashboard.kit import picture, words
from dashboard.kit.cases import OpenCase
from dashboard.review import gate_notice, pedigree, sources, truth


def show(case: OpenCase) -> None:
    """Study, series and system, each to be changed on the spot."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="stretch"):
            _study(case)
        _series(case)
        _system(case)
        with st.popover("Add truth", icon=":material/draw:", help="Compare with a reference mask"):
            truth.upload(case)
        with st.popover("Open another", icon=":material/folder_open:"):
            sources.upload()
            sources.gallery()
    gate_notice.line(case)
    _warnings(case)
    _thumbnails(case)
    pedigree.problems(case.study)


def _study(case: OpenCase) -> None:
    series = case.series
    facts = [str(series.modality), words.size(series), words.millimetres(series), str(series.unit)]
    if case.study.simulated:
        facts.insert(0, "simulated, no patient")
    st.html(
        f"<h1 style='font-size:1.35rem;margin:0;padding:0;overflow-wrap:anywhere'>{words.cell(case.study.name)}</h1>"
        f"<div style='font-size:.85rem;opacity:.8'>{words.cell(' · '.join(facts))}</div>"
        f"<div style='font-size:.85rem;opacity:.8'>{words.cell(_reason(case))}</div>"
    )


def _series(case: OpenCase) -> None:
    if len(case.study.series) < 2:
        return
    key = f"series-{case.key}"
    st.session_state[key] = case.series_index
    st.selectbox(
        "Series",
        range(len(case.study.series)),
        format_func=lambda n: case.study.series[n].description,
        key=key,
        width=240,
        on_change=lambda: setattr(case, "series_index", st.session_state[key]),
    )


def _system(case: OpenCase) -> None:
    key = f"system-{case.key}"
    st.session_state[key] = case.system
    st.selectbox(
        "System",
        [None, *SYSTEMS] if case.match.system is None else list(SYSTEMS),
        format_func=lambda name: SYSTEMS[name].title if name else "choose a system",
        key=key,
        width=240,
        on_change=lambda: setattr(case, "system", st.session_state[key]),
        help="Chosen from the image; you may overrule it, and that stays visible.",
    )


def _reason(case: OpenCase) -> str:
    match = case.match
    if case.overruled:
        chosen = SYSTEMS[match.system].title if match.system else "none"
        return f"System chosen by you. The automatic choice was: {chosen} ({match.reason})."
    others = [SYSTEMS[name].title for name in match.alternatives if name in SYSTEMS]
    also = f" Also possible: {', '.join(others)}." if others else ""
    return f"Why this system: {match.reason.rstrip('.')}.{also}"


def _warnings(case: OpenCase) -> None:
    if case.match.warnings:
        st.markdown("  \n".join(f":orange[:material/flag:] {words.plain(text)}" for text in case.match.warnings))


def _thumbnails(case: OpenCase) -> None:
    if len(case.study.series) < 2:
        return
    with st.container(horizontal=True, gap="small"):
        for number, series in enumerate(case.study.series):
            with st.container(width=112):
                picture.show(sources.small(case.study, number, 96), f"Series {number + 1}: {series.description}")
                st.button(
                    f"Series {number + 1}",
                    key=f"thumb-{case.key}-{number}",
                    help=series.description,
                    type="primary" if number == case.series_index else "secondary",
                    on_click=lambda n=number: setattr(case, "series_index", n),
                )
