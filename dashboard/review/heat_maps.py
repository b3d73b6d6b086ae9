"""Where each model looked: one tile per model, all on one scale."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.engine.heat_rules import HeatRule, HeatVerdict, brightness_words, heat_rule, lit, worth
from core.engine.results import HeatMap, ModelResult, ModelState, Review
from core.errors import OverreadError
from core.systems.declaration import System
from dashboard.kit import controls, heat_check_table, picture, render, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.review import heat_checks
from dashboard.viewer.overlays import HeatMaps, NotYetError

METHODS = {
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "score-cam": "Score-CAM",
    "attention": "The network's own attention",
}
SIGNS = {
    HeatVerdict.HITS: ":material/target:",
    HeatVerdict.MISSES: ":orange[:material/near_me_disabled:]",
    HeatVerdict.UNKNOWN: ":material/help:",
}
HELP = {
    "grad-cam": "From one pass over the slice as it lies; the answer may also average its mirror image and the slices "
    "beside it (see *Models and their pedigree*). "
    "A network that outlines is asked what drives its outline.",
    "grad-cam++": "Weights several separate spots more evenly.",
    "layercam": "Finer: weights every position by itself.",
    "eigencam": "What the features have most in common; knows no class.",
    "score-cam": "Without gradients: one pass per feature channel, slow.",
    "attention": "Where the network's attention layer lets features through; knows no class.",
}


def of(case: OpenCase, result: ModelResult, index: int, *, target: str | None = None, method: str) -> HeatMap:
    """A model's heat map with its brightness, from the session's memory or from the engine; a failure comes back as
    its reason."""
    model = result.state.name
    key = (case.system, case.series_index, model, index, target, method)
    heat = case.heat_maps.get(key)
    if heat is None:
        try:
            heat = engine().heat_map(
                case.study, case.system or "", case.series_index, model, index, target=target, method=method
            )
        except OverreadError as error:
            return HeatMap(model, index, target or "", method, None, error=str(error))
        if not heat.error:
            case.remember(key, heat)
    return lit(heat, result, heat_check_table.checks_of(result.state.card) if result.state.card else None)


def rule_of(state: ModelState) -> HeatRule:
    """Which of a model's maps may be shown by themselves."""
    return heat_rule(heat_check_table.checks_of(state.card) if state.card else None)


def tested(case: OpenCase, result: ModelResult, index: int) -> HeatMap:
    """The map that a model begins with."""
    return of(case, result, index, method=rule_of(result.state).method)


def along(case: OpenCase, state: ModelState) -> HeatMaps:
    """The maps that a model begins with, slice by slice as the viewer asks for them, once the slice was answered."""
    about = (case.system, case.series_index)

    def of_slice(index: int) -> np.ndarray | None:
        review = case.review if (case.system, case.series_index) == about else None
        ready = () if review is None else review.ready
        result = next((r for r in ready if r.state.name == state.name), None)
        if result is None or result.waits(index):
            raise NotYetError
        return None if result.failed(index) else tested(case, result, index).drawn

    # asked again, or the same case opened anew, is another address: what the old one gives is of the old answers
    return HeatMaps(of_slice, f"{about} {id(case.job)} {state.name} {state.card.digest if state.card else ''}")


@st.fragment
def show(case: OpenCase, review: Review, system: System, index: int, view: controls.View) -> None:
    """Tiles of all models that answered; a model whose maps passed no test comes with the reason, and when asked."""
    ready = review.ready
    if not ready:
        return
    stem = f"{case.key}-{case.series_index}"
    st.subheader("Where the models looked")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        methods = [None, *(m for m in METHODS if m != "attention" or _attends(ready))]
        chosen = st.selectbox(
            "Method",
            methods,
            format_func=lambda m: METHODS[m] if m else "the tested one",
            key=f"method-{stem}",
            width=170,
        )
        classes = [None, *dict.fromkeys(name for r in ready if r.state.card for name in r.state.card.classes)]
        target = st.selectbox(
            "For class", classes, format_func=lambda c: c or "the finding", key=f"class-{stem}", width=150
        )
        opacity = st.slider("Heat-map opacity", 0, 100, 60, 5, key=f"heat-opacity-{stem}", format="%d %%", width=150)
        wanted = heat_checks.wanted(case)
    if chosen:
        st.caption(HELP[chosen])
    shown = [(r, _method(case, r, chosen)) for r in ready]
    maps = {r.state.name: of(case, r, index, target=target, method=m) for r, m in shown if m}
    if wanted:
        heat_checks.ensure(case, tuple(maps.values()))
    else:
        heat_checks.halt()
    with st.container(horizontal=True, gap="small", key="heat-tiles"):
        short = words.short_titles([r.state.title for r in ready])
        for result in ready:
            with st.container(width=250, gap="xsmall"):
                heat = maps.get(result.state.name)
                if heat is None:
                    _held(case, result, short[result.state.title])
                else:
                    _tile(case, result, short[result.state.title], index, view, heat, opacity)
    _scale()


def _method(case: OpenCase, result: ModelResult, chosen: str | None) -> str | None:
    """The method to draw a model's map by; ``None`` where its maps passed no test and nobody asked for them."""
    rule = rule_of(result.state)
    anyway = st.session_state.get(_anyway(case, result), False)
    if chosen is not None:
        checks = heat_check_table.checks_of(result.state.card) if result.state.card else None
        figures = checks.methods.get(chosen) if checks else None
        return chosen if anyway or (figures is not None and figures.tested and not figures.failings) else None
    return rule.method if rule.passed or anyway else None


def _anyway(case: OpenCase, result: ModelResult) -> str:
    return f"heat-anyway-{case.key}-{result.state.name}"


def _held(case: OpenCase, result: ModelResult, name: str) -> None:
    """In place of a map that passed no test."""
    rule = rule_of(result.state)
    st.markdown(f"**{name}**")
    st.caption(words.plain(rule.reason or "This method failed its test for this model, or was not tested."))
    key = _anyway(case, result)
    st.button("Show anyway", key=f"{key}-ask", icon=":material/visibility:", on_click=_ask, args=(key,))


def _ask(key: str) -> None:
    st.session_state[key] = True


def _attends(ready: tuple[ModelResult, ...]) -> bool:
    return any("attention" in r.state.card.architecture for r in ready if r.state.card)


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
    found = worth(heat, case.review, case.series)
    st.markdown(f"{SIGNS[found.verdict]} {words.plain(found.text)}")
    st.caption(f"{METHODS[heat.method]} for “{heat.target}”, {brightness_words(heat)}.")
    heat_checks.verdict(case, heat)
    heat_check_table.warning(result.state.card, heat.method)


def _drawn(
    case: OpenCase, result: ModelResult, index: int, view: controls.View, heat: HeatMap, opacity: int, side: int
) -> tuple[np.ndarray, str]:
    """The scan under its heat map, and what is seen there in words."""
    assert heat.values is not None
    grey = controls.grey(case.series, index, view)
    size = render.display_size(case.series, side)
    shown = render.picture(grey, size, heat=heat.drawn, opacity=opacity / 100)
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
        "<span style='opacity:.75'>of what speaks for the class, as bright as drawn</span></div>"
    )
