"""Which half of the laboratory is open; the address says which."""

from __future__ import annotations

import streamlit as st

from dashboard.kit import address
from dashboard.learn.laboratory import fool
from dashboard.learn.laboratory import show as lesion

HALVES = {"A lesion of your own": lesion.show, "Fool the model": fool.show}


def show() -> None:
    """The choice, and the half."""
    address.follow("lab-half", "section", tuple(HALVES))
    chosen = st.segmented_control("Half", list(HALVES), required=True, key="lab-half", label_visibility="collapsed")
    chosen = chosen or next(iter(HALVES))
    address.keep(section=chosen)
    HALVES[chosen]()
