"""What the Evidence page holds, by tab: only the tab that is open is worked out and drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.evidence import sections
from dashboard.evidence.data import Predicted
from dashboard.kit import address, messages

KEY = "evidence-tab"
Section = Callable[[Predicted, str], None]


@dataclass(frozen=True)
class Tab:
    """One tab: what is in it in a sentence, and its sections."""

    name: str
    holds: str
    sections: tuple[Section, ...]


TABS = (
    Tab(
        "Performance",
        "How well the models tell a finding from none; by modality and by class.",
        (sections.performance, sections.modalities, sections.per_class),
    ),
    Tab(
        "Threshold",
        "What another threshold would bring, the scores behind it, and whether acting on it helps.",
        (sections.explorer, sections.scores, sections.decision),
    ),
    Tab(
        "Calibration",
        "Whether a probability means what it says, and sets that keep a promise.",
        (sections.calibration, sections.conformal),
    ),
    Tab(
        "Patients and subgroups",
        "The same by patient or group, and by site, sequence, modality or place.",
        (sections.breakdowns, sections.by_subgroup),
    ),
    Tab("Classes", "Each class against the rest, and which is taken for which.", (sections.classes,)),
    Tab(
        "Masks and maps",
        "Outlines against the truth, and whether heat maps find the tumour.",
        (sections.segmentation, sections.heat_maps),
    ),
    Tab("Wrong images", "Whether what is no such scan is stopped.", (sections.gate,)),
    Tab("Comparisons", "Two models on the same images.", (sections.pairs,)),
    Tab("Take away", "The whole page as one file.", (sections.take_away,)),
)


def show(found: Predicted, split: str) -> None:
    """The tabs; the address holds which is open."""
    names = [tab.name for tab in TABS]
    address.follow(KEY, "section", names)
    for tab, place in zip(TABS, st.tabs(names, key=KEY, on_change="rerun"), strict=True):
        if not place.open:
            continue
        address.keep(section=tab.name if tab is not TABS[0] else None)
        with place:
            st.caption(tab.holds)
            for section in tab.sections:
                with messages.shown():
                    section(found, split)
