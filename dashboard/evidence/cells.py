"""Confusion matrix whose cells are buttons: a click lists the cases, a click on a case shows its image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.csv_cells import frame_csv
from core.evidence import Part
from core.evidence.cells import Cell
from dashboard.dataset import set_images
from dashboard.kit import tables, words
from dashboard.kit.tables import number

BLUE = "#56b4e9"
TALLEST = 300  # pixels of the list of cases
_SHARE = "%.3f"
HEADS: dict[str, Any] = {
    "image": st.column_config.TextColumn("Image"),
    "group": st.column_config.TextColumn("Group"),
    "truth": st.column_config.TextColumn("Truth"),
    "probability": st.column_config.NumberColumn("Probability", format=_SHARE),
    "dice": st.column_config.NumberColumn("Dice", format=_SHARE),
    "mask_pixels": st.column_config.NumberColumn("Mask (pixels)", format="localized"),
    "truth_pixels": st.column_config.NumberColumn("Truth (pixels)", format="localized"),
}


def matrix(rows: Sequence[tuple[str, Sequence[Cell]]], key: str, says: str) -> str | None:
    """Draw the cells, a line for every true class; the key of the chosen one.

    Args:
        rows: what is true, and the cells of what the model says. key: of the widgets. says: put before a cell's name.
    """
    chosen = st.session_state.get(key)
    style = "".join(_shade(key, cell) for _, cells in rows for cell in cells)
    st.html(f"<style>{style}</style>")
    for truth, cells in rows:
        st.caption(f"Truth: {words.plain(truth)}, {cells[0].of:,}")
        with st.container(horizontal=True, gap="xxsmall"):
            for cell in cells:
                st.button(
                    f"**{cell.count:,}** {says}{words.plain(cell.name)} · {number(100 * cell.share, 1)} %",
                    key=_key(key, cell),
                    on_click=_toggle,
                    args=(key, cell.key),
                    icon=":material/arrow_drop_down:" if chosen == cell.key else None,
                    help="Lists these cases" if chosen != cell.key else "Closes the list",
                    width="stretch",
                )
    return chosen


def _key(key: str, cell: Cell) -> str:
    return f"cell-{key}-{cell.key}".replace(" ", "-")


def _toggle(key: str, cell: str) -> None:
    st.session_state[key] = None if st.session_state.get(key) == cell else cell


def _shade(key: str, cell: Cell) -> str:
    weight = round(8 + 52 * cell.share)
    return (
        f".st-key-{_key(key, cell)} button {{ background: color-mix(in srgb, {BLUE} {weight}%, transparent); "
        "min-height: 3.4rem; }"
    )


def listed(part: Part, frame: pd.DataFrame, title: str, key: str, stem: str) -> None:
    """The cases of a cell; where the data set is on this server, the chosen one's image beside them."""
    if frame.empty:
        st.caption(f"{title}: no cases.")
        return
    clickable = set_images.available()
    st.caption(
        f"**{words.count(len(frame), 'case')}: {words.plain(title)}**."
        + (" Choose a row to see its image." if clickable else "")
    )
    if clickable:
        state = st.dataframe(
            frame,
            hide_index=True,
            height=_height(frame),
            column_config=HEADS,
            key=f"cases-{key}",
            on_select="rerun",
            selection_mode="single-row",
            alt=f"{len(frame)} cases: {title}",
        )
        rows = state["selection"]["rows"]
        if rows and rows[0] < len(frame):
            set_images.show(part.card, str(frame["image"].iloc[rows[0]]), key)
    else:
        st.dataframe(
            frame,
            hide_index=True,
            height=_height(frame),
            column_config=HEADS,
            key=f"cases-{key}",
            alt=f"{len(frame)} cases",
        )
    csv(frame, f"{stem}-cases", f"cases-csv-{key}")


def csv(frame: pd.DataFrame, name: str, key: str) -> None:
    """A table's CSV."""
    tables.take_along(frame_csv(frame), name, key)


def _height(frame: pd.DataFrame) -> int:
    return min(TALLEST, 38 + 35 * len(frame))
