"""The cases of a quiz as the teacher sees them: picture with the truth, hint, note; and what to take along."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.imaging.study import Series
from core.preprocessing import windows
from core.reports.pdf.handout import HandoutCase, handout_pdf
from core.review import Store
from core.review.tables import PlantedAnswer, QuizItem
from core.review.vocabulary import now
from core.systems import SYSTEMS
from core.teaching import planted as planted_answers
from core.teaching import quizzes
from core.teaching.material import Material, material
from core.teaching.quizzes import Listed
from dashboard.kit import cases as open_cases
from dashboard.kit import controls, messages, picture, render, words
from dashboard.learn import planted
from dashboard.teach import offline

AT_ONCE = 6  # cases on a page: every picture travels with it


def show(store: Store, actor: int, one: Listed) -> None:
    """The cases, a few at a time, and the handout of all."""
    items = quizzes.items_for(store, actor, one.quiz.id or 0)
    _handout(store, one, items)
    pages = -(-len(items) // AT_ONCE)
    page = 1
    if pages > 1:
        page = st.segmented_control(
            "Page", range(1, pages + 1), default=1, required=True, key=f"cases-page-{one.quiz.id}"
        )
    made_up = planted_answers.said(store, [item.id for item in items])
    for item in items[(page - 1) * AT_ONCE : page * AT_ONCE]:
        with st.container(border=True), messages.shown():
            _item(store, actor, item, made_up.get(item.id or 0))


def _item(store: Store, actor: int, item: QuizItem, made_up: PlantedAnswer | None) -> None:
    found = material(store, item.source, item.place, open_cases.make_room)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        picture.show(outlined(found, 420), f"Case {item.position + 1} with its truth")
    with right:
        st.markdown(f"**Case {item.position + 1}** · {words.plain(truth_of(item))} · {words.plain(item.source)}")
        if found.note:
            st.caption(words.plain(found.note))
        if made_up is not None:
            said = planted.told(made_up, item.finding, SYSTEMS[item.system])
            st.caption(words.plain(f"{said[0].upper()}{said[1:]}, probability {made_up.probability:.2f}"))
        hint = st.text_input("Hint", item.hint, key=f"hint-{item.id}", max_chars=500)
        note = st.text_area("Note, shown with the truth", item.note, key=f"note-{item.id}", height=70, max_chars=2000)
        if (hint, note) != (item.hint, item.note) and st.button("Save", key=f"save-{item.id}"):
            quizzes.annotate(store, actor, item.id or 0, hint=hint, note=note)
            st.rerun()


def truth_of(item: QuizItem) -> str:
    """The truth in words."""
    system = SYSTEMS[item.system]
    return item.label or (system.finding if item.finding else system.clear)


def _slice(found: Material) -> int:
    mask = found.series.truth
    if mask is not None and mask.any():
        return int(mask.sum(axis=(1, 2)).argmax())
    return found.series.slices // 2


def _grey(series: Series, system: str, index: int) -> np.ndarray:
    window = controls.offered(series, system)[0]
    return windows.to_display(series.pixels[index], window, invert=windows.shown_inverted(series))


def plain(found: Material, side: int) -> np.ndarray:
    """The slice as it is read."""
    index = _slice(found)
    return render.picture(_grey(found.series, found.system, index), render.display_size(found.series, side))


def outlined(found: Material, side: int) -> np.ndarray:
    """The slice with the truth outlined, where there is something to outline."""
    index, mask = _slice(found), found.series.truth
    contours = [render.truth_contour(mask[index])] if mask is not None and mask[index].any() else []
    size = render.display_size(found.series, side)
    return render.picture(_grey(found.series, found.system, index), size, contours=contours)


def _handout(store: Store, one: Listed, items: list[QuizItem]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        answers = st.toggle("With the truth on further pages", True, key=f"handout-truth-{one.quiz.id}")

        def make() -> bytes:
            return handout(store, one, items, answers=answers)

        st.download_button(
            "Handout (PDF)",
            make,
            file_name=f"quiz-{one.quiz.id}-handout.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
        )
        offline.button(store, one, items)
    if quizzes.quiz(store, one.quiz.id or 0).code is not None:
        st.caption(
            ":material/warning: The class of this quiz is open: who is given the truth on paper, or the offline quiz, "
            "can read it before answering."
        )


def handout(store: Store, one: Listed, items: list[QuizItem], *, answers: bool) -> bytes:
    """The quiz on paper. Of a stack the slice with most of the lesion is printed, or the middle one."""
    made = []
    for item in items:
        found, system = material(store, item.source, item.place), SYSTEMS[item.system]
        asked = f"{system.title}: {system.clear}, or {system.finding}?"
        notes = " ".join(part for part in (found.note, item.note) if part)
        made.append(
            HandoutCase(
                f"Case {item.position + 1}", asked, truth_of(item), notes, plain(found, 560), outlined(found, 420)
            )
        )
    return handout_pdf(
        one.quiz.title, one.quiz.goals, made, simulated=one.simulated, answers=answers, generated_at=now()
    )
