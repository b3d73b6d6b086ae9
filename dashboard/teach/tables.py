"""A table of a quiz, to look at and to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.csv_cells import frame_csv
from core.teaching.quizzes import Listed
from dashboard.kit import tables


def table(frame: pd.DataFrame, name: str, one: Listed) -> None:
    """A table and its CSV."""
    st.dataframe(frame, hide_index=True, key=f"{name}-{one.quiz.id}")
    tables.take_along(frame_csv(frame), f"quiz-{one.quiz.id}-{name}", f"csv-{name}-{one.quiz.id}")
