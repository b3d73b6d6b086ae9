"""The form of one opinion: finding, class, confidence, marks, comment. Every change is kept as a draft in the store."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import streamlit as st

from core.errors import AlreadyLockedError
from core.review import Stage, Store
from core.systems import SYSTEMS
from dashboard.kit.cases import OpenCase

CONFIDENCE = (50, 60, 70, 80, 90, 95, 100)
PAUSE_SECONDS = 120.0  # a longer silence is no reading time
FOUND, CLEAR = "finding", "clear"


@dataclass(eq=False)
class Form:
    """An opinion being written, one per case, reader and stage; it outlives a reload through the store's draft."""

    store: Store
    case_id: int
    reader: int
    stage: Stage
    started: datetime
    content: dict[str, Any] = field(default_factory=dict)
    touched: float = field(default_factory=time.monotonic)

    @property
    def finding(self) -> bool | None:
        """The answer, ``None`` while there is none."""
        return self.content.get("finding")

    @property
    def label(self) -> str | None:
        """The class, ``None`` while there is none."""
        return self.content.get("label")

    @property
    def confidence(self) -> int | None:
        """Confidence in the answer, percent."""
        return self.content.get("confidence")

    @property
    def marks(self) -> list[dict[str, Any]]:
        """Points and boxes in image pixels."""
        return list(self.content.get("marks", []))

    def looked(self) -> None:
        """Count the time since the last act as reading time."""
        now = time.monotonic()
        self.content["seconds"] = self.seconds + min(now - self.touched, PAUSE_SECONDS)
        self.touched = now

    @property
    def seconds(self) -> float:
        """Reading time so far, long pauses left out."""
        return float(self.content.get("seconds", 0.0))

    def change(self, **values: Any) -> None:
        """Take a change and keep the draft."""
        self.looked()
        self.content.update(values)
        try:
            self.store.save_draft(self.case_id, self.reader, self.stage, self.content)
        except AlreadyLockedError:
            st.session_state["desk-notice"] = "This opinion was locked meanwhile, in another tab: nothing was changed."

    def lock(self) -> None:
        """Make it an opinion; from then on nobody can change it.

        Raises:
            OverreadError: locked already, or no longer allowed.
        """
        self.looked()
        assert self.finding is not None
        assert self.confidence is not None
        self.store.lock_opinion(
            self.case_id,
            self.reader,
            self.stage,
            finding=self.finding,
            label=self.label,
            confidence=self.confidence,
            marks=self.marks,
            comment=str(self.content.get("comment", "")),
            started=self.started,
            seconds=self.seconds,
        )


def of(store: Store, case_id: int, reader: int, stage: Stage, start: dict[str, Any] | None = None) -> Form:
    """The form of this session, from the draft where there is one.

    Args:
        start: what to fill in where there is no draft yet.
    """
    key = f"form-{case_id}-{reader}-{stage}"
    form: Form | None = st.session_state.get(key)
    if form is None:
        draft = store.draft(case_id, reader, stage) or store.save_draft(case_id, reader, stage, start or {})
        form = Form(store, case_id, reader, stage, draft.started, dict(draft.content))
        st.session_state[key] = form
    return form


def show(form: Form, case: OpenCase) -> None:
    """The fields; what is chosen is kept at once."""
    ask(form, case)
    stem = f"{form.case_id}-{form.stage}"
    _seed(f"comment-{stem}", form.content.get("comment", ""))
    st.text_area(
        "Remark (optional)",
        key=f"comment-{stem}",
        height=80,
        max_chars=2000,
        on_change=_taken,
        args=(form, "comment", f"comment-{stem}"),
    )


def ask(form: Form, case: OpenCase) -> None:
    """What is seen, its class, and how sure the reader is; what is chosen is kept at once."""
    system = SYSTEMS[case.system] if case.system else None
    stem = f"{form.case_id}-{form.stage}"
    said = {FOUND: system.finding if system else "a finding", CLEAR: system.clear if system else "no finding"}
    answer = None if form.finding is None else (FOUND if form.finding else CLEAR)
    _seed(f"finding-{stem}", answer)
    st.segmented_control(
        "What do you see?",
        [CLEAR, FOUND],
        format_func=said.__getitem__,
        key=f"finding-{stem}",
        on_change=_answered,
        args=(form, case, f"finding-{stem}"),
        width="stretch",
    )
    offered = labels(case, form.finding)
    if len(offered) > 1:
        _seed(f"label-{stem}-{form.finding}", form.label)
        st.segmented_control(
            "Class",
            offered,
            key=f"label-{stem}-{form.finding}",
            on_change=_named,
            args=(form, case, f"label-{stem}-{form.finding}"),
        )
    _seed(f"confidence-{stem}", form.confidence)
    st.segmented_control(
        "How sure are you?",
        CONFIDENCE,
        format_func="{} %".format,
        key=f"confidence-{stem}",
        on_change=_taken,
        args=(form, "confidence", f"confidence-{stem}"),
        help="50 %: no more than a guess between the two answers. 100 %: certain.",
    )


def missing(form: Form, case: OpenCase) -> list[str]:
    """What must be answered before the opinion can be locked."""
    wanted = {
        "what you see": form.finding,
        "the class": form.label if labels(case, form.finding) else True,
        "how sure you are": form.confidence,
    }
    return [name for name, value in wanted.items() if value is None]


def labels(case: OpenCase, finding: bool | None) -> list[str]:
    """Classes that go with an answer."""
    if finding is None or case.system is None:
        return []
    return list(SYSTEMS[case.system].classes_of(finding))


def _seed(key: str, value: Any) -> None:
    """A field starts with what the draft holds; afterwards the field itself knows."""
    if key not in st.session_state:
        st.session_state[key] = value


def _taken(form: Form, name: str, key: str) -> None:
    form.change(**{name: st.session_state[key]})


def _named(form: Form, case: OpenCase, key: str) -> None:
    """A class that goes with the answer as it is now, which may have changed in the same moment."""
    label = st.session_state[key]
    if label is None or label in labels(case, form.finding):
        form.change(label=label)


def _answered(form: Form, case: OpenCase, key: str) -> None:
    chosen = st.session_state[key]
    finding = None if chosen is None else chosen == FOUND
    offered = labels(case, finding)
    form.change(finding=finding, label=offered[0] if len(offered) == 1 else None)
