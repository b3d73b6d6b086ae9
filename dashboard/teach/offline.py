"""A quiz to take along: one file that is answered in a browser without a server, where its cases allow that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import OverreadError
from core.preprocessing import windows
from core.reports.offline import OfflineCase, offline_quiz, refuse
from core.review import Store
from core.review.tables import QuizItem
from core.teaching.material import material
from core.teaching.quizzes import Listed
from dashboard.kit import cases as open_cases
from dashboard.kit import controls, words


def button(store: Store, one: Listed, items: Sequence[QuizItem]) -> None:
    """The download, or why there is none."""
    try:
        refuse(items, one.rules)
    except OverreadError as error:
        st.caption(f":material/wifi_off: Not for use offline. {words.plain(str(error))}")
        return

    def make() -> bytes:
        return offline_quiz(one.quiz.title, one.quiz.goals, one.rules, [case(store, item) for item in items])

    st.download_button(
        "Offline quiz (HTML)",
        make,
        file_name=f"quiz-{one.quiz.id}-offline.html",
        mime="text/html",
        icon=":material/wifi_off:",
        on_click="ignore",
        help="One file that is answered in any browser without a network. Who opens its source can read the truth.",
    )


def case(store: Store, item: QuizItem) -> OfflineCase:
    """A case as the file takes it: every slice through the window it begins with."""
    found = material(store, item.source, item.place, open_cases.make_room)
    series = found.series
    window = controls.offered(series, found.system)[0]
    inverted = windows.shown_inverted(series)
    grey = np.stack([windows.to_display(plane, window, invert=inverted) for plane in series.pixels])
    return OfflineCase(item, found, grey, window.name)
