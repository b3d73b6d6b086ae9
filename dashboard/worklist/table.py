"""The ranked list of cases whose model answers are open to the reader: filters, columns, saved views, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.review import CaseState, Store
from core.review.archives import (
    DEFAULT_FIELDS,
    Against,
    Field,
    Filter,
    View,
    WorklistRow,
    save_view,
    saved_views,
)
from core.systems import SYSTEMS
from core.systems.declaration import System
from dashboard.kit import messages, routes, who, words

YES_NO = {"any": None, "yes": True, "no": False}


@st.fragment
def show(store: Store, rows: Sequence[WorklistRow], reader: int, archive: int, *, blind: bool) -> None:
    """Filters on top, table below; a row selected shows its sentence and the way in.

    Args:
        blind: whether further cases of the archive are still hidden from the reader.
    """
    who.touch()
    view = _view(store, reader, rows)
    kept = view.apply(rows)
    among = "; ranks and chances are made of these alone" if blind else ""
    st.caption(f"{words.count(len(kept), 'case')} of {len(rows):,} whose models' answers are open to you{among}.")
    if not kept:
        return
    event = st.dataframe(
        table(kept, view.fields),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"ranked-{archive}",
        height=min(560, 38 + 35 * len(kept)),
        width="stretch",
        column_config={
            Field.REASON.value: st.column_config.TextColumn(width="large"),
            Field.PROBABILITY.value: st.column_config.NumberColumn(format="percent", help="Expected yield of a look."),
        },
    )
    picked = event["selection"]["rows"]
    if picked and picked[0] < len(kept):
        _why(kept[picked[0]])


def table(rows: Sequence[WorklistRow], fields: Sequence[Field]) -> pd.DataFrame:
    """The columns asked for; the case number always comes first."""
    columns: dict[str, list[object]] = {"Case": [row.case_id for row in rows]}
    return pd.DataFrame(columns | {field.value: [SHOWN[field](row) for row in rows] for field in fields})


def _why(row: WorklistRow) -> None:
    with st.container(border=True):
        st.markdown(f"**Case {row.case_id}.** {words.plain(row.reason)}")
        for answer in (*row.answers, *row.beside):
            title = words.plain(f"{answer.title} {answer.version}")
            if answer.finding is None:
                st.markdown(f"- {title}: failed. {words.plain(answer.error)}")
                continue
            cut = "" if answer.threshold is None else f", threshold {words.probability(answer.threshold)}"
            note = " (has no vote: not counted)" if answer in row.beside else ""
            st.markdown(f"- {title}: {words.probability(answer.finding)}{cut}{note}")
        if st.button("Open the case", type="primary", icon=":material/visibility:"):
            st.switch_page(routes.READ, query_params={"case": str(row.case_id)})


def _view(store: Store, reader: int, rows: Sequence[WorklistRow]) -> View:
    saved = saved_views(store, reader)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            "View", [None, *saved], format_func=lambda n: n or "default", key="worklist-view", width=200
        )
        start = saved[name] if name in saved else View()
        with st.popover("Filter", icon=":material/filter_list:"):
            chosen = _filter(start.filter, rows, name or "")
        with st.popover("Columns and order", icon=":material/view_column:"):
            view = _columns(replace(start, filter=chosen), name or "")
        with st.popover("Save this view", icon=":material/bookmark_add:"):
            _save(store, reader, view)
    return view


def _filter(start: Filter, rows: Sequence[WorklistRow], stem: str) -> Filter:
    key = f"filter-{stem}"
    readers = sorted({row.reader for row in rows if row.reader is not None})
    against = st.multiselect("Models against record", list(Against), start.against, key=f"{key}-against")
    states = st.multiselect("State", list(CaseState), start.states, key=f"{key}-states")
    named = st.multiselect(
        "Recorded by", readers, [r for r in start.readers if r in readers], format_func="R{}".format, key=f"{key}-by"
    )
    split = st.segmented_control(
        "Models disagree", list(YES_NO), default=_word(start.split), key=f"{key}-split", required=True
    )
    unlike = st.segmented_control(
        "Unlike the training images", list(YES_NO), default=_word(start.unlike), key=f"{key}-unlike", required=True
    )
    confidence = st.slider(
        "Confidence of the models", 0.0, 1.0, start.confidence or (0.0, 1.0), 0.05, key=f"{key}-confidence"
    )
    first = st.text_input("From (YYYY-MM-DD)", start.first_day or "", key=f"{key}-first")
    last = st.text_input("To (YYYY-MM-DD)", start.last_day or "", key=f"{key}-last")
    text = st.text_input("Words in file, patient or record", start.words, key=f"{key}-words")
    return replace(
        start,
        against=tuple(against),
        states=tuple(states),
        readers=tuple(named),
        split=YES_NO[split or "any"],
        unlike=YES_NO[unlike or "any"],
        confidence=None if confidence == (0.0, 1.0) else confidence,
        first_day=first.strip() or None,
        last_day=last.strip() or None,
        words=text,
    )


def _columns(view: View, stem: str) -> View:
    names = [field.value for field in Field]
    fields = st.multiselect(
        "Columns, in order", names, [f.value for f in view.fields or DEFAULT_FIELDS], key=f"columns-{stem}"
    )
    order = st.selectbox(
        "Order by",
        [None, *names],
        index=0 if view.sort is None else 1 + names.index(view.sort.value),
        format_func=lambda n: n or "expected yield",
        key=f"sort-{stem}",
    )
    falling = st.toggle("Largest first", view.descending, key=f"falling-{stem}", disabled=order is None)
    return replace(
        view,
        fields=tuple(Field(name) for name in fields),
        sort=None if order is None else Field(order),
        descending=falling,
    )


def _save(store: Store, reader: int, view: View) -> None:
    name = st.text_input("Name", key="view-name", max_chars=60)
    shared = st.toggle("For everybody", key="view-shared")
    if st.button("Save", disabled=not name.strip(), key="view-save"):
        with messages.shown():
            save_view(store, reader, name.strip(), view, shared=shared)
            st.session_state["view-saved"] = True
            st.rerun()  # the list of views stands above
    if st.session_state.pop("view-saved", False):
        st.success("Saved.")


def _word(value: bool | None) -> str:
    return next(word for word, meaning in YES_NO.items() if meaning is value)


def _said(row: WorklistRow) -> str:
    """The models' probabilities, highest first, with the decision of most."""
    system: System | None = SYSTEMS.get(row.system or "")
    figures = sorted((a.finding for a in row.answers if a.finding is not None), reverse=True)
    if not figures or system is None:
        return ""
    side = system.finding if row.decided else system.clear
    most = "split: " if row.tied else "" if row.decided is None else f"{side}: "
    return most + ", ".join(words.probability(value) for value in figures)


SHOWN: Mapping[Field, Callable[[WorklistRow], object]] = {
    Field.RANK: lambda row: row.rank,
    Field.PROBABILITY: lambda row: row.probability,
    Field.REASON: lambda row: row.reason,
    Field.SOURCE: lambda row: row.source,
    Field.PATIENT: lambda row: row.patient,
    Field.RECORDED: lambda row: row.recorded_label or row.recorded_text,
    Field.MODELS: _said,
    Field.FINDING: lambda row: None if row.finding is None else round(row.finding, 3),
    Field.SPREAD: lambda row: None if row.spread is None else round(row.spread, 3),
    Field.AGAINST: lambda row: "" if row.against is None else str(row.against),
    Field.CONFIDENCE: lambda row: None if row.confidence is None else round(row.confidence, 3),
    Field.OOD: lambda row: None if row.ood is None else round(row.ood, 3),
    Field.READER: lambda row: "" if row.reader is None else f"R{row.reader}",
    Field.DATE: lambda row: row.date or "",
    Field.STATE: lambda row: str(row.state),
    Field.SLICES: lambda row: row.slices,
    Field.SYSTEM: lambda row: SYSTEMS[row.system].title if row.system in SYSTEMS else "",
}
