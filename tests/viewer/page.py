"""The page of the viewer's test server: one viewer over the case in the address."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from core.imaging.study import Series
from dashboard.kit import who
from dashboard.viewer import component, overlays, shelf
from dashboard.viewer.suspicion import Along, Suspicion
from tests.viewer import files
from tests.viewer.cases import CASES, ring


@st.cache_resource(show_spinner=False)
def made(name: str) -> Series:
    """A series by its name in the address."""
    return files.series(name.removeprefix("dicom-")) if name.startswith("dicom-") else CASES[name]()


ANSWERED = 70  # slices that a stack of the address "?along" has answers for


def square(series: Series, index: int) -> np.ndarray:
    """A heat map whose square lies as far to the right as its slice does in the stack."""
    if index >= ANSWERED:
        raise overlays.NotYetError
    heat = np.zeros(series.shape, dtype=np.float32)
    heat[100:130, 100 + 4 * index : 110 + 4 * index] = 1.0
    return heat


def along(series: Series) -> Suspicion:
    """One model that becomes surer from slice to slice, another that has not been asked."""
    numbers = np.arange(series.slices)
    waits = numbers >= ANSWERED
    sure = np.where(waits, np.nan, numbers / series.slices)
    none = np.full(series.slices, np.nan)
    models = [Along(0, "First", sure, waits, 0.25), Along(1, "Second", none, none != none, 0.5)]
    return Suspicion(lambda: (models, False), "along")


st.set_page_config(layout="wide")
who.enter(at_door=lambda: None)
held = shelf.of_session()
held.begin()
name = st.query_params.get("case", "ct")
series = made(name)
counter, target = st.session_state.get("go", (0, 0))
layers = []
if st.checkbox("Answers"):
    mask = ring(series.pixels.shape)
    heat = np.zeros(series.shape, dtype=np.float32)
    heat[10:50, 20:60] = np.linspace(0, 1, 40)
    maps = overlays.HeatMaps(lambda index: heat if index == series.slices // 2 else None, "square")
    if "along" in st.query_params:
        maps = overlays.HeatMaps(lambda index: square(series, index), "squares")
    layers = [
        overlays.of_model(0, "first", "U-Net", mask, on=True),
        overlays.of_truth(np.roll(mask, 12, axis=2), on=True),
        overlays.Overlay("heat", "Heat map", overlays.Kind.HEAT, heat=maps, on=True, opacity=0.7),
    ]
if st.button("Go to 3"):
    st.session_state["go"] = counter, target = counter + 1, 3
marking = st.checkbox("Mark")
st.text_input("Words")
if st.checkbox("Away"):
    st.stop()
seen = component.show(
    series,
    key="desk",
    token_owner=name,
    start=series.slices // 2,
    overlays=layers,
    along=along(series) if "along" in st.query_params else None,
    go_to=(counter, target),
    height="640px",
    others=[component.Pictured(made("pet"), "PET, SUV")] if name in ("ct", "mr") else [],
    marking=component.Marking(
        st.session_state.get("marks", []), (lambda found: st.session_state.update(marks=found)) if marking else None
    ),
    on_slice=lambda index: st.session_state.update(told=index),
    on_measures=lambda of, found: st.session_state.update(measures=found),
    fallback=lambda: st.text("drawn by the server"),
)
st.text(
    f"slice {st.session_state.get('told')} measures {len(seen.measures)} marks {len(st.session_state.get('marks', []))}"
)
drawn = st.session_state["drawn"] = st.session_state.get("drawn", 0) + 1
if drawn < int(st.query_params.get("times", 1)):  # what the server says changes before the browser has drawn it
    st.session_state["go"] = (counter + 1, drawn)
    time.sleep(0.2)
    st.rerun()
for number in range(1, int(st.query_params.get("viewers", 1))):
    one = st.cache_resource(lambda name, number: CASES[name](), show_spinner=False)(name, number)
    component.show(one, key=f"further-{number}", token_owner=name, height="300px")
held.sweep()
