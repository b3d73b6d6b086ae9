"""Where each model looked: one tile per model, all on one scale."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.engine.results import HeatMap, ModelResult, Review
from core.errors import OverreadError
from core.systems.declaration import System
from dashboard.kit import controls, heat_check_table, picture, render, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.review import heat_checks

METHODS = {
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "score-cam": "Score-CAM",
    "attention": "The network's own attention",
}
HELP = {
    "grad-cam": "From one pass over the slice as it lies; the answer may also average its mirror image. "
    "A network that outlines is asked what drives its outline.",
    "grad-cam++": "Weights several separate spots more evenly.",
    "layercam": "Finer: weights every position by itself.",
    "eigencam": "What the features have most in common; knows no class.",
    "score-cam": "Without gradients: one pass per feature channel, slow.",
    "attention": "Where the network's attention layer lets features through; knows no class.",
}


def of(case: OpenCase, model: str, index: int, *, target: str | None = None, method: str = "grad-cam") -> HeatMap:
    """A heat map, from the session's memory or from the engine; a failure comes back as its reason."""
    key = (case.system, case.series_index, model, index, target, method)
    if key in case.heat_maps:
        return case.heat_maps[key]
    try:
        heat = engine().heat_map(
            case.study, case.system or "", case.series_index, model, index, target=target, method=method
        )
    except OverreadError as error:
        return HeatMap(model, index, target or "", method, None, error=str(error))
    return heat if heat.error else case.remember(key, heat)


@st.fragment
def show(case: OpenCase, review: Review, system: System, index: int, view: controls.View) -> None:
    """Tiles of all models that answered, with method, target class and opacity."""
    ready = review.ready
    if not ready:
        return
    stem = f"{case.key}-{case.series_index}"
    st.subheader("Where the models looked")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        methods = [m for m in METHODS if m != "attention" or _attends(ready)]
        method = st.selectbox("Method", methods, format_func=METHODS.__getitem__, key=f"method-{stem}", width=190)
        classes = [None, *dict.fromkeys(name for r in ready if r.state.card for name in r.state.card.classes)]
        target = st.selectbox(
            "For class", classes, format_func=lambda c: c or "the finding", key=f"class-{stem}", width=170
        )
        opacity = st.slider("Heat-map opacity", 0, 100, 60, 5, key=f"heat-opacity-{stem}", format="%d %%", width=170)
        tested = heat_checks.wanted(case)
    st.caption(HELP[method])
    maps = [of(case, r.state.name, index, target=target, method=method) for r in ready]
    if tested:
        heat_checks.ensure(case, tuple(maps))
    else:
        heat_checks.halt()
    with st.container(horizontal=True, gap="small", key="heat-tiles"):
        short = words.short_titles([r.state.title for r in ready])
        for result, heat in zip(ready, maps, strict=True):
            with st.container(width=300, gap="xsmall"):
                _tile(case, result, short[result.state.title], index, view, heat, opacity)
    _scale()


def _attends(ready: tuple[ModelResult, ...]) -> bool:
    return any("attention" in r.state.card.architecture for r in ready if r.state.card)


def check(heat: HeatMap, result: ModelResult, review: Review, index: int) -> str:
    """Whether the hottest point falls into the model's mask (into any, for a classifier); empty without a mask."""
    drawn = [r for r in review.ready if r.mask is not None and r.mask[index].any()]
    masks = [r.mask[index] for r in ([result] if result in drawn else drawn) if r.mask is not None]
    if heat.values is None or not masks or heat.peak <= 0:
        return ""
    row, column = np.unravel_index(int(np.argmax(heat.values)), heat.values.shape)
    inside = any(bool(mask[row, column]) for mask in masks)
    whose = "its own mask" if result in drawn else "the predicted mask"
    return f"Hottest point {'inside' if inside else 'outside'} {whose}."


def _tile(
    case: OpenCase, result: ModelResult, name: str, index: int, view: controls.View, heat: HeatMap, opacity: int
) -> None:
    known = heat_check_table.line(result.state.card, heat.method)
    if heat.values is None:
        st.markdown(f"**{name}**", help=known or None)
        st.info(heat.error or "No heat map.", icon=":material/visibility_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.markdown(f"**{name}**", help=known or None, width="content")
        key = f"enlarge-{case.key}-{case.series_index}-{result.state.name}"
        if st.button("Enlarge", key=key, icon=":material/open_in_full:", type="tertiary"):
            _enlarged(case, result, index, view, heat, opacity)
    shown, alt = _drawn(case, result, index, view, heat, opacity, 384)
    picture.show(shown, alt)
    if heat.peak <= 0:
        st.caption(f"Nothing speaks for “{heat.target}” here: the map is empty.")
        return
    assert case.review is not None
    agrees = check(heat, result, case.review, index)
    st.caption(f"For “{heat.target}”, {words.seconds(heat.seconds)}. {agrees}")
    heat_checks.verdict(case, heat)
    heat_check_table.warning(result.state.card, heat.method)


def _drawn(
    case: OpenCase, result: ModelResult, index: int, view: controls.View, heat: HeatMap, opacity: int, side: int
) -> tuple[np.ndarray, str]:
    """The scan under its heat map, and what is seen there in words."""
    assert heat.values is not None
    grey = controls.grey(case.series, index, view)
    size = render.display_size(case.series, side)
    shown = render.picture(grey, size, heat=heat.values if heat.peak > 0 else None, opacity=opacity / 100)
    row, column = np.unravel_index(int(np.argmax(heat.values)), heat.values.shape)
    where = _place(row / heat.values.shape[0], column / heat.values.shape[1])
    about = f"{METHODS[heat.method]} of {result.state.title} for {heat.target} on slice {index + 1}"
    return shown, f"{about}: hottest {where}"


@st.dialog("Heat map", width="large")
def _enlarged(
    case: OpenCase, result: ModelResult, index: int, view: controls.View, heat: HeatMap, opacity: int
) -> None:
    """One map in large: over the scan, beside the bare scan, with its scale and its check."""
    card = result.state.card
    version = f", version {card.version}" if card else ""
    st.markdown(f"**{words.plain(result.state.title)}**{version}. {METHODS[heat.method]} for “{heat.target}”.")
    shown, alt = _drawn(case, result, index, view, heat, opacity, 768)
    bare = render.picture(controls.grey(case.series, index, view), render.display_size(case.series, 768))
    over, beside = st.columns(2, gap="small")
    with over:
        picture.show(shown, alt)
    with beside:
        picture.show(bare, f"The same slice without the map, slice {index + 1}")
    _scale()
    done = heat_checks.of(case, heat)
    if done is not None:
        heat_checks.told(done)
    else:
        st.caption("Not tested on this slice: switch on “Test the maps”.")
    known = heat_check_table.line(card, heat.method)
    if known:
        st.caption(words.plain(known))
    heat_check_table.warning(card, heat.method)


def _place(down: float, across: float) -> str:
    vertical = "upper" if down < 1 / 3 else "lower" if down > 2 / 3 else "middle"
    horizontal = "left" if across < 1 / 3 else "right" if across > 2 / 3 else "centre"
    return f"{vertical} {horizontal} of the picture"


def _scale() -> None:
    address = render.data_url(render.colour_scale())
    st.html(
        "<div style='display:flex;gap:8px;align-items:center;font-size:0.8rem;max-width:560px'>"
        f"<span>0</span><img src='{address}' alt='Colour scale of the heat maps, from dark (0) to bright (1)' "
        "style='height:10px;flex:1;min-width:80px'><span>1</span>"
        "<span style='opacity:.75'>share of the map's own maximum; tiles compare places, not strengths</span></div>"
    )
