"""The case on the reading desk: its images from the store, and nothing else until the store releases the rest."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.review import Stage, Store
from core.review.opened import opened
from core.review.opened import title as title
from core.review.opened import title_of as title_of
from core.review.tables import Case as Record
from core.review.tables import Opinion
from dashboard.kit import address, cases, room, slices, who
from dashboard.kit.cases import OpenCase


def chosen(store: Store) -> Record | None:
    """The case that the address names; ``None`` without one.

    Raises:
        OverreadError: there is no such case.
    """
    wanted = st.query_params.get("case", "")
    return store.case(int(wanted)) if wanted.isdecimal() else None


def choose(case_id: int | None) -> None:
    """Put a case (or none) into the address, so that a reload comes back to it; the last one's place is not its."""
    st.query_params.pop("slice", None)
    st.query_params.pop("section", None)
    if case_id is None:
        st.query_params.pop("case", None)
    else:
        st.query_params["case"] = str(case_id)


def on_desk(store: Store, record: Record, purpose: str = "reading") -> OpenCase:
    """The images of a case, read once per session; a reference mask stays in the store: it tells the answer.

    Args:
        purpose: a case laid on the desk for another purpose starts afresh, without the models' answers.
    """
    kept: tuple[tuple[int | None, str], OpenCase] | None = st.session_state.get("read-case")
    if kept is not None and kept[0] == (record.id, purpose) and not kept[1].closed:
        room.settle(kept[1], cases.drop_oldest)
        return kept[1]
    before = kept[1] if kept is not None and kept[0] == (record.id, purpose) else None
    leave()
    found = opened(store, record, cases.make_room)
    case = OpenCase(
        study=found.study,
        match=found.match,
        system=found.system,
        series_index=found.series_index,
        originals=found.originals,
        record=record.id,
    )
    if before is not None:
        case.go_on(before)
    reader = who.number()
    case.measures = store.measurements(record.id or 0, reader) | case.measures
    case.keep = partial(store.keep_measurements, record.id or 0, reader)
    index = address.number("slice", case.series.slices)
    if index is not None:
        slices.go(case, index)
    room.watch(case)
    st.session_state["read-case"] = ((record.id, purpose), case)
    return case


def leave() -> None:
    """Let go of the case on the desk; a review under way stops."""
    kept: tuple[object, OpenCase] | None = st.session_state.pop("read-case", None)
    for job in kept[1].jobs.values() if kept else ():
        job.stop()


def stage(store: Store, record: Record, reader: int) -> Stage | None:
    """The opinion that comes next: blind until the models' answers are released, then final or open, then none."""
    assert record.id is not None
    if not store.reveal_allowed(record.id, reader):
        return Stage.BLIND
    done = {opinion.stage for opinion in mine(store, record.id, reader)}
    following = Stage.FINAL if Stage.BLIND in done else Stage.OPEN
    return None if following in done else following


def mine(store: Store, case_id: int, reader: int) -> list[Opinion]:
    """The reader's own locked opinions on a case."""
    return [o for s in Stage if (o := store.opinion(case_id, reader, s)) is not None]
