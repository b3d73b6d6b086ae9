"""How a ROC curve arises: every case is a dot, the threshold is dragged across them, and each that changes sides moves
the curve."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.evidence import Evidence, Part
from core.statistics import roc_auc
from core.systems import SYSTEMS
from core.weights.predictions import models_with, stored
from dashboard.kit import words
from dashboard.kit.charts import CLEAR, FINDING
from dashboard.kit.engine import engine

HERE = Path(__file__).resolve().parent

_component = st.components.v2.component(
    "overread_threshold_tour",
    html=(HERE / "threshold.html").read_text(encoding="utf-8"),
    css=(HERE / "threshold.css").read_text(encoding="utf-8"),
    js=(HERE / "threshold.js").read_text(encoding="utf-8"),
)


def show() -> None:
    """The tour."""
    chosen = model("roc")
    if chosen is None:
        return
    found, part = chosen
    st.markdown(
        "Each dot is one image that the model has answered: up, if it shows a finding; down, if it does not. A model "
        "gives no yes or no, only a number. **Drag the threshold**: what lies to its right is called a finding. Every "
        "image with a finding that is passed takes the curve one step up; every clear one, a step to the right."
    )
    _component(
        key=f"threshold-tour-{found.sha256[:16]}",
        data={
            "owner": found.sha256,
            "cases": [[round(float(p), 6), int(t)] for p, t in zip(part.finding, part.truth, strict=True)],
            "stored": found.card.threshold.value,
            "colours": [CLEAR, FINDING],
        },
    )
    st.markdown(
        "The curve is all thresholds at once, so no threshold belongs to it: its area says how often a finding gets "
        f"the higher number than a clear image, here **{roc_auc(part.truth, part.finding):.3f}**. It does not say "
        "where to put the threshold, nor whether the numbers are true probabilities."
    )
    st.caption(basis(found, part))


def model(key: str) -> tuple[Evidence, Part] | None:
    """A model that has stored predictions on a test part with and without a finding; ``None`` where there is none."""
    folder = engine().weights
    offered: dict[str, tuple[Evidence, Part]] = {}
    for name in models_with(folder):
        system, _, slot = name.partition("/")
        found = stored(folder / system, [slot]).get(slot) if system in SYSTEMS else None
        part = found.part("test") if found else None
        if found is not None and part is not None and part.has_both:
            offered[f"{SYSTEMS[system].title}: {found.card.title}"] = (found, part)
    if not offered:
        st.info("No installed model has stored predictions to show this with.", icon=":material/info:")
        return None
    chosen = st.selectbox("Answers of", list(offered), key=f"tour-model-{key}", width=460)
    return offered[chosen or next(iter(offered))]


def basis(found: Evidence, part: Part) -> str:
    """What the figures rest on."""
    card = found.card
    return words.plain(
        f"Stored predictions of {card.title}, version {card.version}, on its {part.split} part: {part.n} images, "
        f"{words.counted(part.group_count, card.system)}, {int(part.truth.sum())} images with a finding."
    )
