"""The line above the picture: which study, which series, which system and why, and what the image check says."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.imaging.series_names import names_of
from core.systems import SYSTEMS
from dashboard.kit import picture, words
from dashboard.kit.cases import OpenCase
from dashboard.review import gate_notice, keeping, pedigree, priors, sources, truth
from dashboard.viewer import beside, component

STYLE = """
<style>
.or-study h1 { font-size: 1.15rem; margin: 0; padding: 0; overflow-wrap: anywhere; }
.or-study div { font-size: 0.8rem; opacity: 0.8; }
</style>
"""


def show(case: OpenCase) -> None:
    """Study, series and system, each to be changed on the spot."""
    with st.container(key="study-head", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="study-bar"):
            with st.container(width="stretch", gap="xxsmall"):
                _study(case)
            _series(case)
            _system(case)
            if component.ready():
                beside.buttons(case)
            _more(case)
        gate_notice.line(case, _reason(case))
        _warnings(case)
        pedigree.problems(case.study)


def _more(case: OpenCase) -> None:
    """Drawn once it is opened: the picture does not wait for two dozen thumbnails."""
    key = f"more-{case.key}"
    with st.popover("More", icon=":material/more_horiz:", key=key, on_change="rerun") as menu:
        if menu.open:
            keeping.show(case)
            truth.upload(case)
            priors.upload(case)
            sources.upload()
            sources.gallery()


def _study(case: OpenCase) -> None:
    series = case.series
    facts = [str(series.modality), words.size(series), words.millimetres(series), str(series.unit)]
    if case.study.simulated:
        facts.insert(0, "simulated, no patient")
    st.html(
        f"{STYLE}<div class='or-study'><h1>{words.cell(case.study.name)}</h1>"
        f"<div>{words.cell(' · '.join(facts))}</div></div>"
    )


def _series(case: OpenCase) -> None:
    if len(case.study.series) < 2:
        return
    names = names_of(case.study.series)
    key = f"series-{case.key}"
    st.session_state[key] = case.series_index
    st.selectbox(
        "Series",
        range(len(names)),
        format_func=names.__getitem__,
        key=key,
        width=220,
        label_visibility="collapsed",
        on_change=lambda: setattr(case, "series_index", st.session_state[key]),
    )
    sheet = f"all-series-{case.key}"
    with st.popover("All series", icon=":material/grid_view:", key=sheet, on_change="rerun") as all_series:
        if all_series.open:
            _thumbnails(case, names)


def _thumbnails(case: OpenCase, names: Sequence[str]) -> None:
    with st.container(horizontal=True, gap="small"):
        for number, name in enumerate(names):
            with st.container(width=112):
                picture.show(sources.small(case.study, number, 96, system=case.system), name)
                st.button(
                    name,
                    key=f"thumb-{case.key}-{number}",
                    help=words.plain(case.study.series[number].description),
                    type="primary" if number == case.series_index else "secondary",
                    on_click=lambda n=number: setattr(case, "series_index", n),
                )


def _system(case: OpenCase) -> None:
    key = f"system-{case.key}"
    st.session_state[key] = case.system
    st.selectbox(
        "System",
        [None, *SYSTEMS] if case.match.system is None else list(SYSTEMS),
        format_func=lambda name: SYSTEMS[name].title if name else "choose a system",
        key=key,
        width=200,
        on_change=lambda: setattr(case, "system", st.session_state[key]),
        label_visibility="collapsed",
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
