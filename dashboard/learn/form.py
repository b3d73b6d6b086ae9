"""The form of one answer in a quiz: fields and marks of the second reader's form, kept as the quiz's draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.review import Stage as OpinionStage
from core.review import Store
from core.review.tables import QuizAnswer
from core.teaching import attempts
from core.teaching.attempts import Task
from core.teaching.given import Given
from dashboard.kit.cases import OpenCase
from dashboard.read.form import Form

SHAPES = ("rectangle", "ellipse", "freehand")
_CORNERS = 48  # of an ellipse


@dataclass(eq=False)
class QuizForm(Form):
    """An answer being made. ``case_id`` names the task for the fields' keys; the learner is ``reader``."""

    task: Task | None = None

    def change(self, **values: Any) -> None:
        """Take a change and keep the draft."""
        assert self.task is not None
        left = self.task.seconds_left()
        if left is not None and left < -attempts.GRACE:  # what is said after the end is no answer
            return
        self.content.update(values)
        attempts.save(self.store, self.reader, self.task, self.content)

    def given(self) -> Given:
        """What has been said so far; nothing at all where something is missing."""
        whole = self.finding is not None and self.confidence is not None
        return Given(
            finding=self.finding if whole else None,
            label=self.label if whole else None,
            confidence=self.confidence if whole else None,
            marks=self.marks,
            outline=outlines(self.content.get("measures", ())),
            hinted=bool(self.content.get("hinted")),
        )

    def final(self) -> QuizAnswer:
        """Give the answer; it is final.

        Raises:
            OverreadError: it was given already.
        """
        assert self.task is not None
        return attempts.answer(
            self.store, self.reader, self.task.attempt, self.task.item, self.task.stage, self.given()
        )


def of(store: Store, learner: int, task: Task, case: OpenCase) -> QuizForm:
    """The form of this session for a task, from its draft where there is one."""
    key = f"quiz-form-{task.attempt}-{task.item}-{task.stage}"
    form: QuizForm | None = st.session_state.get(key)
    if form is None:
        number = task.attempt * 1000 + task.place
        stage = OpinionStage.BLIND if task.stage == task.rules.stages[0] else OpinionStage.FINAL
        form = QuizForm(store, number, learner, stage, task.started, dict(task.content), task=task)
        drawn = form.content.get("measures")
        if drawn:
            case.measures[case.series.key] = list(drawn)
        st.session_state[key] = form
    return form


def outlines(measures: Any) -> list[dict[str, Any]]:
    """Regions drawn with the viewer's tools as polygons in image pixels, from the corner of the first one."""
    found = []
    for one in measures:
        points = np.array(one.get("points", []), dtype=float)
        if one.get("kind") not in SHAPES or len(points) < 2:
            continue
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        if one["kind"] == "rectangle":
            points = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        elif one["kind"] == "ellipse":
            turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
            points = np.stack(
                [(x0 + x1) / 2 + (x1 - x0) / 2 * np.cos(turn), (y0 + y1) / 2 + (y1 - y0) / 2 * np.sin(turn)], 1
            )
        if len(points) >= 3:
            # a measurement's points count from the middle of the first pixel
            found.append({"slice": int(one["slice"]), "points": (points + 0.5).round(2).tolist()})
    return found
