"""Which tour is taken; the address says which."""

from __future__ import annotations

import streamlit as st

from dashboard.kit import address
from dashboard.learn.tours import heat, leak, prevalence, threshold

TOURS = {
    "ROC": ("How cases make a ROC curve", threshold.show),
    "Accuracy": ("Why accuracy misleads", prevalence.show),
    "Heat maps": ("Why a heat map is no proof", heat.show),
    "Leaks": ("Why a leak inflates figures", leak.show),
}


def show() -> None:
    """The choice, and the tour."""
    address.follow("tour", "section", tuple(TOURS))
    chosen = st.segmented_control("Tour", list(TOURS), required=True, key="tour", label_visibility="collapsed")
    chosen = chosen or next(iter(TOURS))
    address.keep(section=chosen)
    title, draw = TOURS[chosen]
    st.subheader(title)
    draw()
