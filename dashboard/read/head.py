"""The line above a case: number, archive, system, the way to the next one; and what to choose from without a case."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.review import Action, Stage, Store
from core.review.tables import Archive
from core.review.tables import Case as Record
from core.systems import SYSTEMS
from dashboard.kit import routes, who, words
from dashboard.read import blind, case, queue


def show(store: Store, record: Record, reader: int, stage: Stage | None) -> DeltaGenerator:
    """Which case this is, how far its reading has come, and where to go from here; the place for its priors."""
    archive = store.archive(record.archive_id)
    system = SYSTEMS[record.system].title if record.system in SYSTEMS else "no system"
    facts = [archive.name, system] + (["simulated, no patient"] if record.simulated else [])
    with (
        st.container(key="study-head"),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        st.html(
            f"<h1 style='font-size:1.35rem;margin:0;padding:0'>{words.cell(case.title(record))}</h1>"
            f"<div style='font-size:.85rem;opacity:.8'>{words.cell(' · '.join(facts))}</div>",
            width="stretch",
        )
        place = st.container(width="content")
        if st.button("Worklist", icon=":material/checklist:"):
            st.switch_page(routes.WORKLIST)
        st.button(
            "Next case",
            icon=":material/skip_next:",
            type="primary" if stage is None else "secondary",
            on_click=_next,
            args=(store, archive, reader, record.id),
        )
        with st.popover("How this works", icon=":material/help:"):
            st.markdown(blind.HELP)
    notice = st.session_state.pop("desk-notice", None)
    if notice:
        st.info(notice, icon=":material/info:")
    if stage is Stage.OPEN:
        st.info(
            "The models' answers on this case are open to you, so it cannot be read blind: your opinion is recorded as "
            "formed with the models in sight.",
            icon=":material/visibility:",
        )
    return place


def _next(store: Store, archive: Archive, reader: int, after: int | None) -> None:
    """Looked for when it is wanted: going through a large archive takes a moment."""
    following = next(queue.unread(store, queue.rows(store, archive, reader), reader, after), None)
    if following is None:
        st.session_state["desk-notice"] = "You have read every case of this archive."
    else:
        case.choose(following)


def held(store: Store, record: Record, reader: int) -> bool:
    """Whether there is nothing to do here before something else; then says what."""
    assert record.id is not None
    if not who.may(Action.READ):
        st.info(
            "Your role does not record opinions. To see what the models say, look without reading on the worklist.",
            icon=":material/visibility_off:",
        )
        return True
    if store.opinion(record.id, reader, Stage.BLIND) is None:
        return False
    files = [file.sha256 for file in store.case_files(record.id)]
    others = [
        number for number in store.hidden_by_content([record.content_hash, *files], reader) if number != record.id
    ]
    st.info(
        "Your opinion is locked. The models' answers follow once you have also read the case that shares images with "
        f"this one: {', '.join(str(number) for number in others)}.",
        icon=":material/lock:",
    )
    if others:
        st.button("Read it now", type="primary", on_click=case.choose, args=(others[0],))
    return True


def choose(store: Store, reader: int) -> None:
    """Archives, with what waits for this reader in each."""
    st.title("Read a case")
    archives = store.archives()
    if not archives:
        st.info("There is no archive yet. A lead imports one on the Archives page.", icon=":material/inventory_2:")
        if who.may(Action.IMPORT) and st.button("Go to Archives", icon=":material/inventory_2:"):
            st.switch_page(routes.ARCHIVES)
        return
    for archive in archives:
        rows = queue.rows(store, archive, reader)
        following = next(queue.unread(store, rows, reader), None)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
            st.markdown(
                f"**{words.plain(archive.name)}**  \n{words.count(len(rows), 'case')} to read",
                width="stretch",
            )
            st.button(
                "Read the next one",
                key=f"read-next-{archive.id}",
                icon=":material/visibility:",
                disabled=following is None,
                on_click=case.choose,
                args=(following,),
            )
    with st.expander("How reading blind works", icon=":material/help:"):
        st.markdown(blind.HELP)
