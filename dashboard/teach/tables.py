"""A table of a quiz, to look at and to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.csv_cells import frame_csv
from core.teaching.quizzes import Listed


def table(frame: pd.DataFrame, name: str, one: Listed) -> None:
    """A table and its CSV."""
    st.dataframe(frame, hide_index=True, key=f"{name}-{one.quiz.id}")
    st.download_button(
        "Table (CSV)",
        frame_csv(frame),
        file_name=f"quiz-{one.quiz.id}-{name}.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        type="tertiary",
        key=f"csv-{name}-{one.quiz.id}",
    )
