"""What becomes of an upload: found again after a reload for a while, then deleted; or kept in an archive by a click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import memory
from core.background import Job
from core.review import Action, Mode, Store, open_store
from core.review.archives import begin_import, stage_upload, wait
from core.review.archives.importing import ImportOptions
from core.review.tables import ImportRun
from dashboard.kit import held, messages, routes, who, words
from dashboard.kit.cases import OpenCase

SHELF = "Kept from Review"  # the archive that uploads go into


@st.cache_resource(show_spinner=False)
def uploads() -> held.HeldUploads:
    """The uploads that this process holds."""
    kept = held.HeldUploads().watch(every=30)
    memory.of_process().spares.append(kept.drop_oldest)
    return kept


def show(case: OpenCase) -> None:
    """In words, with the two buttons; nothing for a built-in sample, which is always there."""
    upload = None if case.token is None else uploads().find(case.token, who.number())
    if case.token is None:
        return
    if upload is None:
        st.caption("This upload is no longer held: it lasts as long as this page is open.")
        return
    st.markdown(
        "**This upload** is held in memory, with what you measured in it: a reload of this address finds it again for "
        f"{held.MINUTES} minutes after it was last opened, for you alone. Then it is deleted."
    )
    with st.container(horizontal=True, gap="small"):
        if who.may(Action.IMPORT):
            st.button("Keep in an archive", icon=":material/inventory_2:", on_click=_keep, args=(case, upload))
        st.button("Delete now", icon=":material/delete:", on_click=_delete, args=(case,))
    failed = st.session_state.pop("keep-failed", None)
    if failed is not None:
        messages.show(failed)
    kept = st.session_state.get("kept-in")
    if kept is not None and kept[0] == case.key:
        st.markdown(f":material/check: Goes into the archive “{words.plain(SHELF)}”.")
        st.page_link(routes.ARCHIVES, label="To the archive", query_params={"archive": str(kept[1])})


def _keep(case: OpenCase, upload: held.Upload) -> None:
    try:
        archive = keep(open_store(), who.number(), upload, case.system)
    except Exception as failure:
        st.session_state["keep-failed"] = messages.as_error(failure)
        return
    st.session_state["kept-in"] = (case.key, archive)


def keep(store: Store, actor: int, upload: held.Upload, system: str | None) -> int:
    """Import an upload into the archive for such; the archive's number.

    What was measured in the upload is kept with its cases as soon as they are there.

    Raises:
        OverreadError: the person may not import, or the store cannot be written to.
    """
    found = next((a for a in store.archives() if a.name == SHELF), None)
    archive = found or store.add_archive(actor, SHELF, "Uploads kept on the Review page", Mode.OPEN)
    assert archive.id is not None
    source = stage_upload(store.images_folder, upload.files)
    run = begin_import(store, actor, archive.id, source, ImportOptions(system=system))
    drawn = {series: list(found) for series, found in upload.measures.items() if found}
    if drawn:
        Job(lambda _: _carry(store, actor, run, drawn), name="overread-measurements").start()
    return archive.id


def _carry(store: Store, actor: int, run: ImportRun, drawn: Mapping[str, list[dict[str, Any]]]) -> None:
    """What was measured in the upload goes with it, once its cases are there; what they have already stays."""
    wait(store, run)
    for case in store.cases(run.archive_id):
        assert case.id is not None
        wanted = drawn.keys() & set(case.details.get("series_keys", ()))
        for series in wanted - store.measurements(case.id, actor).keys() if wanted else ():
            store.keep_measurements(case.id, actor, series, drawn[series])


def _delete(case: OpenCase) -> None:
    if case.token is not None:
        uploads().forget(case.token, who.number())
    st.query_params.clear()
    st.session_state.pop("case", None)
