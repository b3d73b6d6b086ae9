"""What becomes of an upload: found again after a reload for a while, then deleted; or kept in an archive by a click."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import memory
from core.background import Job
from core.errors import OverreadError
from core.review import Action, Mode, Store, open_store
from core.review.archives import begin_import, stage_upload, wait
from core.review.archives.importing import ImportOptions
from core.review.tables import ImportRun
from dashboard.kit import blinding, cases, held, messages, routes, who, words
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
    kept: tuple[str, Kept] | None = st.session_state.get("kept-in")
    if kept is not None and kept[0] == case.key:
        st.markdown(f":material/check: Goes into the archive “{words.plain(SHELF)}”.")
        st.page_link(routes.ARCHIVES, label="To the archive", query_params={"archive": str(kept[1].archive)})
        if (job := kept[1].carrying) is not None:
            running = job.running
            st.fragment(_carried, run_every=1.0 if running else None)(job, running)


def _carried(job: Job[Carried], running: bool) -> None:
    """What becomes of the measurements, and what helps where some cannot go with the upload."""
    if running and not job.running:
        st.rerun()  # and ask no more
    if job.running:
        st.caption("What you measured in it follows once its cases are in the archive.")
    elif job.error is not None:
        messages.show(
            OverreadError(
                f"What you measured was not kept in the archive: {job.error.message}",
                f"{job.error.remedy} It is still here, and goes with the report.",
            )
        )
    elif job.result is not None:
        st.markdown(job.result.told())


def _keep(case: OpenCase, upload: held.Upload) -> None:
    try:
        kept = keep(open_store(), who.number(), upload, case.system)
    except Exception as failure:
        st.session_state["keep-failed"] = messages.as_error(failure)
        return
    st.session_state["kept-in"] = (case.key, kept)


@dataclass(frozen=True)
class Carried:
    """What became of the measurements of an upload that went into an archive, in numbers of measurements.

    Attributes:
        kept: are with its cases now.
        others: of series in which the reader has measured otherwise in the archive already; that stays.
        nowhere: of series that no case of the archive holds.
    """

    kept: int = 0
    others: int = 0
    nowhere: int = 0

    def told(self) -> str:
        """In Markdown: what was kept, and of what was not, why and what helps."""
        lines = [f":material/check: {words.count(self.kept, 'measurement')} kept with it."] if self.kept else []
        left = ":orange[:material/warning:] {} not kept: "
        if self.others:
            lines.append(
                left.format(words.count(self.others, "measurement"))
                + "you have measured in that series of the archive before, and that stays. Change it in the case there."
            )
        if self.nowhere:
            lines.append(
                left.format(words.count(self.nowhere, "measurement"))
                + "no case of the archive holds that series: it is of a prior, which stays outside, or the import left "
                "it out and says why. They are still here, and go with the report."
            )
        return "  \n".join(lines)


@dataclass(frozen=True)
class Kept:
    """Where an upload went: the archive's number, and the work that takes its measurements there, if there are any."""

    archive: int
    carrying: Job[Carried] | None = None


def keep(store: Store, actor: int, upload: held.Upload, system: str | None) -> Kept:
    """Import an upload into the archive for such.

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
    if not drawn:
        return Kept(archive.id)
    carrying = Job[Carried](lambda _: _carry(store, actor, run, drawn), name="overread-measurements")
    return Kept(archive.id, carrying.start())


def _carry(store: Store, actor: int, run: ImportRun, drawn: Mapping[str, list[dict[str, Any]]]) -> Carried:
    """What was measured in the upload goes with it, once its cases are there; what they have already stays."""
    wait(store, run)
    there: dict[str, bool] = {}  # by series, whether what was drawn is what the archive has of it
    for case in store.cases(run.archive_id):
        assert case.id is not None
        wanted = drawn.keys() & set(case.details.get("series_keys", ()))
        before = store.measurements(case.id, actor) if wanted else {}
        for series in wanted:
            if series not in before:
                store.keep_measurements(case.id, actor, series, drawn[series])
            there[series] = there.get(series, False) or before.get(series, drawn[series]) == drawn[series]
    count = {series: len(found) for series, found in drawn.items()}
    return Carried(
        kept=sum(count[series] for series, same in there.items() if same),
        others=sum(count[series] for series, same in there.items() if not same),
        nowhere=sum(count[series] for series in count.keys() - there.keys()),
    )


def _delete(case: OpenCase) -> None:
    """From everywhere: also what was made of it for this session."""
    from dashboard.review import report_downloads  # here: what writes reports takes half a second to load

    if case.token is not None:
        uploads().forget(case.token, who.number())
    st.query_params.clear()
    cases.delete(case)
    blinding.forget()
    report_downloads.forget()
