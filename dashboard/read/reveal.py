"""After the lock: what the models say, the final opinion, and the peer review of the recorded diagnosis."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import OverreadError
from core.review import Action, Radpeer, Stage, Store
from core.review.archives import installed, stopped_words, worklist
from core.review.tables import Case as Record
from core.review.tables import Opinion
from core.systems import SYSTEMS
from dashboard.kit import jobs, messages, who, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.read import blind
from dashboard.read import case as read_case
from dashboard.read import form as read_form
from dashboard.read import marks as read_marks
from dashboard.read.form import Form
from dashboard.review import reading
from dashboard.viewer.component import Marking

SCORES = {
    Radpeer.CONCUR: "1 · I agree with the recorded diagnosis",
    Radpeer.UNDERSTANDABLE_MINOR: "2a · Understandable difference, unlikely to matter",
    Radpeer.UNDERSTANDABLE_MATTERS: "2b · Understandable difference, likely to matter",
    Radpeer.EXPECTED_MINOR: "3a · Usually seen, unlikely to matter",
    Radpeer.EXPECTED_MATTERS: "3b · Usually seen, likely to matter",
}


def show(store: Store, record: Record, case: OpenCase, reader: int, stage: Stage | None) -> None:
    """Own opinions, the models, then what is still to be answered."""
    assert record.id is not None
    scores = store.scores_for(record.id, reader)  # raises when the models' answers are not released to this reader
    stopped = next((tuple(s.details["stopped"]) for s in reversed(scores) if s.details.get("stopped")), ())
    _remember_overruling(store, record, case, reader)
    jobs.ensure(case, engine())
    jobs.page_begins(case)
    if stopped and case.gate_key not in case.overruled_gates:
        st.markdown(f":material/block: {words.plain(stopped_words(stopped))}")
    else:
        _reason(store, record, reader)
    case.opinions = tuple(store.opinions(record.id, reader)) or None
    form = _form(store, record, reader, stage) if stage is not None and who.may(Action.READ) else None
    reading.show(
        case,
        opinion=lambda: _opinion(store, record, case, reader, stage, form),
        marking=lambda: read_marks.marking(form) if form is not None else Marking(_last_marks(store, record, reader)),
    )


def _form(store: Store, record: Record, reader: int, stage: Stage) -> Form:
    """The final opinion, begun with what the first one says."""
    assert record.id is not None
    first = store.opinion(record.id, reader, Stage.BLIND)
    start = None
    if first is not None:
        start = {
            "finding": first.finding,
            "label": first.label,
            "confidence": first.confidence,
            "marks": [dict(mark) for mark in first.marks],
            "comment": first.comment,
        }
    return read_form.of(store, record.id, reader, stage, start)


def _last_marks(store: Store, record: Record, reader: int) -> list[dict[str, Any]]:
    """Those of the reader's latest opinion."""
    assert record.id is not None
    said = read_case.mine(store, record.id, reader)
    return [dict(mark) for mark in said[-1].marks] if said else []


def _opinion(store: Store, record: Record, case: OpenCase, reader: int, stage: Stage | None, form: Form | None) -> None:
    """The tab beside the answers: what was said before, the final opinion, the peer review."""
    assert record.id is not None
    for opinion in read_case.mine(store, record.id, reader):
        st.markdown(f":material/lock: {said(opinion, case)}")
        if opinion.comment:
            st.caption(words.plain(opinion.comment))
    _final(store, record, case, reader, stage, form)
    st.divider()
    _peer(store, record, reader, ready=stage is None)


def said(opinion: Opinion, case: OpenCase) -> str:
    """An opinion in one line."""
    when = {Stage.BLIND: "Before the models", Stage.FINAL: "Final", Stage.OPEN: "With the models in sight"}
    what = answer(opinion.finding, opinion.label, case.system)
    marks = f", {words.count(len(opinion.marks), 'mark')}" if opinion.marks else ""
    return (
        f"**{when[Stage(opinion.stage)]}:** {words.plain(what)}, {opinion.confidence} % sure{marks}, "
        f"in {spent(opinion.seconds)}"
    )


def answer(finding: bool, label: str | None, system: str | None) -> str:
    """An answer in the words of its system, with the class where that says more."""
    declared = SYSTEMS.get(system or "")
    said = (declared.finding if finding else declared.clear) if declared else ("a finding" if finding else "no finding")
    return f"{said} ({label})" if label and label not in said else said


def spent(seconds: float) -> str:
    """Reading time in the unit that reads well."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _remember_overruling(store: Store, record: Record, case: OpenCase, reader: int) -> None:
    """What the reader overruled in another session stays overruled."""
    assert record.id is not None
    if case.gate_key in case.overruled_gates or record.id not in store.overruled(record.archive_id, reader):
        return
    mine = [o for o in store.overrules(record.content_hash) if o.reader == reader and o.system == case.system]
    case.overruled_gates[case.gate_key] = mine[-1].created.strftime("%Y-%m-%d %H:%M UTC") if mine else "another time"


def _reason(store: Store, record: Record, reader: int) -> None:
    assert record.id is not None
    key = f"why-{record.id}-{reader}"
    if key not in st.session_state:  # once: it is made of all open cases of the archive
        st.session_state[key] = _why(store, record, reader)
    if st.session_state[key]:
        st.markdown(f":material/format_list_numbered: **Why it was on the list:** {st.session_state[key]}")


def _why(store: Store, record: Record, reader: int) -> str:
    if record.system not in SYSTEMS:
        return ""
    rows = worklist(store, record.archive_id, installed(engine(), record.system), reader).rows
    row = next((row for row in rows if row.case_id == record.id), None)
    return words.plain(row.reason) if row is not None and row.rank is not None else ""


def _final(store: Store, record: Record, case: OpenCase, reader: int, stage: Stage | None, form: Form | None) -> None:
    """No fragment of its own: its marks are drawn in the picture beside it."""
    who.touch()
    assert record.id is not None
    st.markdown("##### Final opinion")
    if stage is None:
        change = store.change_of_mind(record.id, reader)
        changed = change is not None and (change.finding_changed or change.label_changed)
        st.markdown("You changed your mind after the models." if changed else "Locked.")
        return
    if form is None:
        st.caption("Your role does not record opinions.")
        return
    if store.opinion(record.id, reader, Stage.BLIND) is not None:
        st.caption("Filled in with your first opinion: change what you now see otherwise, then lock.")
    else:
        st.caption("The models' answers were in sight: this opinion is recorded as not blind.")
    read_form.show(form, case)
    read_marks.listed(form, case)
    blind.lock(form, case, "Lock my final opinion")


@st.fragment
def _peer(store: Store, record: Record, reader: int, *, ready: bool) -> None:
    who.touch()
    assert record.id is not None
    st.markdown("##### Peer review of the recorded diagnosis")
    if record.recorded_finding is None:
        st.caption("No diagnosis is recorded for this case.")
        return
    recorded = answer(record.recorded_finding, record.recorded_label, record.system)
    by = f", recorded by reader R{record.recorded_reader}" if record.recorded_reader else ""
    st.markdown(f"Recorded: **{words.plain(recorded)}**{by}.")
    if record.recorded_text:
        st.caption(words.plain(record.recorded_text))
    mine = next((p for p in store.peer_reviews(record.id) if p.reader == reader), None)
    if mine is not None:
        _reviewed(mine.score)
        return
    if not who.may(Action.PEER_REVIEW):
        st.caption("Your role does not score recorded diagnoses.")
        return
    if not ready:
        st.caption("Follows once the final opinion is locked.")
        return
    with st.form(f"peer-{record.id}", border=False):
        score = st.radio("Score", list(SCORES), format_func=SCORES.__getitem__, index=None)
        comment = st.text_area("Remark for the arbiter (optional)", height=80, max_chars=2000)
        st.caption("It is about the reading, not the reader: 2b, 3a and 3b ask an arbiter for a third look.")
        if st.form_submit_button("Save the peer review", icon=":material/rate_review:"):
            if score is None:
                st.warning("Choose a score first.")
                return
            try:
                store.peer_review(record.id, reader, score, comment)
            except OverreadError as error:
                messages.show(error)
                return
            st.rerun()


def _reviewed(score: str) -> None:
    st.markdown(f":material/check: {SCORES[Radpeer(score)]}")
    if Radpeer(score).to_arbitration:
        st.caption("An arbiter will look at this case.")
