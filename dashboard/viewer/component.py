"""The viewer on a page: ``show(series, key=..., token_owner=...)``.

The series goes to the browser once, by :mod:`dashboard.viewer.route`; from then on slice, window, zoom, tools and
overlays never ask the server. Where the client was not bundled, or the browser has no WebGL, ``fallback`` draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.imaging.study import Series, Window
from core.preprocessing import windows
from dashboard.viewer import build, marks, overlays, packing, route, shelf, suspicion
from dashboard.viewer.measures import cleaned
from dashboard.viewer.overlays import Overlay
from dashboard.viewer.suspicion import Suspicion

_component = st.components.v2.component(
    "overread_reader", js=(Path(__file__).resolve().parent / "loader.js").read_text(encoding="utf-8")
)
_NO_WEBGL = "viewer-without-webgl"
Measure = dict[str, Any]
Mark = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the reader did in the viewer.

    Attributes:
        slice: the one in view, from 0; ``None`` before the client has told.
        window: centre, width and whether low values are bright, likewise.
        measures: kept measurements: ``kind``, ``slice``, ``points`` (column, row of pixel centres), ``text`` and
            ``values``.
        drawn: false where ``fallback`` drew.
    """

    slice: int | None
    measures: tuple[Measure, ...]
    window: tuple[float, float, bool] | None = None
    drawn: bool = True


@dataclass(frozen=True)
class Marking:
    """Marks of readers on the picture.

    Attributes:
        marks: in image pixels, from the corner of the first one: ``slice``, ``x``, ``y`` and, for a box, ``width`` and
            ``height``; ``label`` is written beside a mark, by default its number.
        taken: called with all marks, cleaned, when the reader has changed them; without it they can only be looked at.
        most: how many there may be.
    """

    marks: Sequence[Mapping[str, Any]] = ()
    taken: Callable[[list[Mark]], None] | None = None
    most: int = 40


@dataclass(frozen=True)
class Pictured:
    """A series as it is to be shown: its name and windows, see :func:`show`.

    Attributes:
        prior: it is of another examination than the one on the screen, and linked to it also where they have no common
            frame of reference.
        measures: measurements kept of it, to begin with.
        said, here: what is then written on it, and on the one on the screen while it stands beside that one.
    """

    series: Series
    name: str = ""
    presets: Sequence[Window] = ()
    prior: bool = False
    said: str = ""
    here: str = ""
    measures: Sequence[Measure] = ()


def warm() -> None:
    """Load and begin the client where nothing is shown yet, so that the first picture does not wait for it."""
    bundle = build.built()
    if bundle is not None and ready():
        _component(key="reader-warm", data=[{"client": route.address("client", f"{bundle}.js")}], height="content")


def show(
    series: Series,
    *,
    key: str,
    token_owner: str,
    name: str = "",
    presets: Sequence[Window] = (),
    overlays: Sequence[Overlay] = (),
    along: Suspicion | None = None,
    start: int = 0,
    go_to: tuple[int, int] | None = None,
    dark: bool = True,
    height: str = "70vh",
    measures: Sequence[Measure] = (),
    marking: Marking | None = None,
    others: Sequence[Pictured] = (),
    lay: tuple[int, int | None] = (0, None),
    on_slice: Callable[[int], None] | None = None,
    on_measures: Callable[[Series, list[Measure]], None] | None = None,
    fallback: Callable[[], None] | None = None,
) -> Seen:
    """Show a series to read on.

    Args:
        series: what is shown. Never one with answers that the reader may not see: give ``without_answers()``.
        key: the same from run to run for the same place on the page; the client keeps its state with it.
        token_owner: which case this is. The addresses of another case's series end when this changes.
        name: what to call the series; by default its description.
        presets: windows, the one to begin with first; by default those of :func:`core.preprocessing.windows.presets`.
        overlays: masks and heat maps. More may come at any later run; the images are not loaded again.
        along: what the models say slice by slice, drawn in the slice bar as it comes.
        start: slice in view first, from 0.
        go_to: ``(counter, slice)``: the client goes to the slice once, whenever the counter changes. Without it nothing
            moves the reader's slice.
        dark: dark or light surround.
        height: CSS height.
        measures: measurements kept with the case, to begin with.
        marking: marks of readers, to look at or to change.
        others: series that the reader may lay beside or over it, linked by position where both have one frame of
            reference.
        lay: ``(counter, other)``: the client lays one of them beside it once, whenever the counter changes.
        on_slice: called with the slice in view once the reader rests on it.
        on_measures: called with a series and all its measurements, checked, when any have changed; for every series
            that is shown.
        fallback: draws where the client cannot.

    Returns:
        What the client last told.
    """
    bundle = build.built()
    if bundle is None or not ready():
        if fallback is not None:
            fallback()
        note()
        return Seen(None, tuple(measures), drawn=False)
    held = shelf.of_session()
    held.enter(token_owner)
    state_key = f"reader-{key}"

    def told(what: str, call: Callable[[Any], None] | None) -> Callable[[], None]:
        def changed() -> None:
            value = st.session_state[state_key].get(what)
            if call is not None and value is not None:
                call(value)

        return changed

    def marked(found: Mapping[str, Any]) -> None:
        if marking is not None and marking.taken is not None:
            marking.taken(marks.cleaned(found.get("list"), series)[: marking.most])

    every = [Pictured(series, name, presets, measures=measures), *others]
    facts = [_pictured(one, held, one.series.slices // 2 if place else start) for place, one in enumerate(every)]

    def measured(found: Any) -> None:
        if on_measures is not None:
            for of, one in _told(found, facts, every):
                on_measures(of, one)

    def failed() -> None:
        if st.session_state[state_key].get("fault"):
            st.session_state[_NO_WEBGL] = True

    result = _component(
        key=state_key,
        # In a list: of a mapping Streamlit would look at every value for a table, for which it imports pandas.
        data=[
            {
                "client": route.address("client", f"{bundle}.js"),
                "owner": f"{token_owner} {key}",
                "series": facts[0],
                "others": facts[1:],
                "lay": list(lay),
                "overlays": _overlays(overlays, held, series.slices),
                "along": None if along is None else suspicion.offered(along, held, route.address()),
                "go_to": list(go_to) if go_to else None,
                "dark": dark,
                "height": height,
                "marks": None if marking is None else _marks(marking, st.session_state.get(state_key)),
                "tells": {"slice": on_slice is not None, "measures": on_measures is not None},
            }
        ],
        on_view_change=told("view", None if on_slice is None else lambda view: on_slice(int(view["slice"]))),
        on_measures_change=told("measures", measured),
        on_marks_change=told("marks", marked if marking is not None and marking.taken is not None else None),
        on_fault_change=failed,
        height="content",
    )
    view, new = result.get("view"), result.get("measures")
    kept = next((tuple(one) for of, one in _told(new, facts, every) if of is series), tuple(measures))
    if view is None:
        return Seen(None, kept)
    return Seen(int(view["slice"]), kept, (float(view["centre"]), float(view["width"]), bool(view["inverted"])))


def _told(
    found: Any, facts: Sequence[Mapping[str, Any]], every: Sequence[Pictured]
) -> list[tuple[Series, list[Measure]]]:
    """The measurements that the client told, by series; what is of none of them is left out."""
    told = found if isinstance(found, Mapping) else {}
    return [
        (one.series, cleaned(told[fact["id"]], one.series))
        for fact, one in zip(facts, every, strict=True)
        if fact["id"] in told
    ]


def _marks(marking: Marking, told: Mapping[str, Any] | None) -> dict[str, Any]:
    """The marks as they are now, and how many of the reader's changes are in them."""
    seen = (told or {}).get("marks") or {}
    kept = [dict(mark) for mark in marking.marks]
    may = marking.taken is not None
    return {"marks": kept, "count": seen.get("count", 0), "may": may, "most": marking.most}


def _pictured(one: Pictured, held: shelf.Shelf, start: int) -> dict[str, Any]:
    """Facts of a series and where its numbers are; worked out once for each."""
    offered = held.series(one.series)
    known = (one.name, tuple(one.presets))
    if offered.facts.get("known") != known:
        presets = tuple(one.presets) or windows.presets(one.series)
        presets += packing.further_presets(one.series, presets)
        named = one.name or one.series.description
        facts = packing.manifest(one.series, offered.facts["plan"], name=named, presets=presets, start=start)
        offered.facts |= {"known": known, "manifest": facts}
    offered.facts["manifest"]["start"] = min(max(start, 0), one.series.slices - 1)
    address = route.address(offered.token)
    padding = f"{address}/padding" if offered.facts["padded"] else None
    told = {"prior": one.prior, "said": one.said, "here": one.here, "measures": list(one.measures)}
    return offered.facts["manifest"] | told | {"url": address, "padding": padding, "id": offered.token[:8]}


def _overlays(given: Sequence[Overlay], held: shelf.Shelf, slices: int) -> list[dict[str, Any]]:
    return [overlays.offered(one, held, route.address(), slices) for one in given]


def ready() -> bool:
    """Whether the client can draw: it was bundled, and this session's browser has not told that it lacks WebGL."""
    return build.built() is not None and not st.session_state.get(_NO_WEBGL)


def note() -> None:
    """Where the client cannot draw: why, and what helps."""
    if build.built() is None:
        st.caption(
            ":material/info: The simple viewer: the other one was not bundled. "
            f"Run `{build.COMMAND}` once and start the server again."
        )
    elif not ready():
        st.caption(
            ":material/info: The simple viewer: this browser offers no WebGL. "
            "Switch on hardware acceleration, or use another browser."
        )
