"""Why a heat map is no proof: the map of a network that has learnt beside that of its copy that has forgotten all."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.engine.results import ModelStatus
from core.engine.spoilt import METHOD, Twins, twins
from core.imaging.study import SourceKind, Study
from core.preprocessing import windows
from core.simulate import DRAWINGS, phantom
from core.systems import SYSTEMS
from dashboard.kit import controls, heat_check_table, picture, render, words
from dashboard.kit.engine import engine

SIDE = 420
ASK = "Which of the two has learnt what a finding looks like?"


def show() -> None:
    """The tour."""
    states = [s for s in engine().states() if s.status is ModelStatus.READY and s.system in DRAWINGS]
    if not states:
        st.info("No model of a simulated system is ready.", icon=":material/info:")
        return
    states.sort(key=lambda s: s.role != "classifier")  # a forgotten outliner outlines nothing: too easy to begin with
    names = {f"{s.system}/{s.name}": f"{SYSTEMS[s.system].title}: {s.title}" for s in states}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox("Model", list(names), format_func=names.__getitem__, key="tour-heat-model", width=420)
        seed = st.number_input("Scan", 1, 999, 1, key="tour-heat-seed", width=120, help="Another one, drawn anew.")
    system, _, model = (chosen or next(iter(names))).partition("/")
    study, index = scan(system, int(seed))
    with st.spinner("Both networks draw their maps …"):
        found = _twins(engine().fingerprint(system), system, model, int(seed), study, index)
    st.markdown(
        "Both maps explain the same class on the same simulated scan. One is drawn by the model. The other by the same "
        "network with **all of its weights replaced by random ones**: it knows nothing."
    )
    first = bool(np.random.default_rng([int(seed), len(model)]).integers(2))  # which side the model's own is on
    maps = [found.learnt, found.forgotten] if first else [found.forgotten, found.learnt]
    *cells, beside = st.columns([4, 4, 5], gap="small")
    for side, cell, heat in zip("AB", cells, maps, strict=True):
        with cell:
            picture.show(_drawn(study, system, index, heat), f"Heat map {side} over the scan")
            st.markdown(f"**{side}**")
    with beside:
        said = st.segmented_control(ASK, ["A", "B"], key=f"tour-heat-said-{system}-{model}-{seed}")
        if said:
            own = "A" if first else "B"
            _tell(found, said == own, own, system, model)


def scan(system: str, seed: int) -> tuple[Study, int]:
    """A simulated scan with a finding, and the slice with most of it."""
    declared = SYSTEMS[system]
    label = next(one for one in DRAWINGS[system].labels if one in declared.positive or declared.labels.get(one) == 1)
    made = phantom(system, 7000 + seed, label)
    study = Study("Simulated scan", SourceKind.SIMULATED, (made.series,), f"tour-{system}-{seed}", simulated=True)
    return study, int(made.truth.sum(axis=(1, 2)).argmax())


@st.cache_data(show_spinner=False, max_entries=32)
def _twins(fingerprint: str, system: str, model: str, seed: int, _study: Study, _index: int) -> Twins:
    return twins(engine(), _study, system, model, _index, seed)


def _drawn(study: Study, system: str, index: int, heat: np.ndarray) -> np.ndarray:
    series = study.series[0]
    window = controls.offered(series, system)[0]
    grey = windows.to_display(series.pixels[index], window, invert=windows.shown_inverted(series))
    return render.picture(grey, render.display_size(series, SIDE), heat=heat, opacity=0.6)


def _tell(found: Twins, right: bool, own: str, system: str, model: str) -> None:
    what = "mean probability of the outline" if found.outline else f"probability of “{found.target}”"
    st.markdown(
        f"**{'Right' if right else 'Not right'}: {own} is the model's.** Its {what} is "
        f"{words.probability(found.answers[0])}; the random network's, {words.probability(found.answers[1])}. The two "
        f"maps are alike by {found.likeness:.2f} (Spearman's rank correlation; 1 is the same order of every pixel)."
    )
    st.markdown(
        "A map shows where a number came from, not that the number is right, nor that the network knows anything. A "
        "warm spot on the lesion may be where the picture is brightest. So maps are put to tests here, on patients "
        "whose outline is known; this is what those tests found:"
    )
    card = next((s.card for s in engine().states(system) if s.name == model), None)
    st.caption(words.plain(heat_check_table.line(card, METHOD) or "This model's maps have not been tested."))
    heat_check_table.warning(card, METHOD)
