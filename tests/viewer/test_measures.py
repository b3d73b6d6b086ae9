"""What a browser tells of measurements is a stranger's: only what can be one is kept, and reports have its numbers."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest

from core.errors import StoreError
from core.imaging.study import SourceKind, Study
from core.systems import Match
from dashboard.kit.cases import OpenCase
from dashboard.viewer import measures
from tests.viewer.cases import CASES

SERIES = CASES["photo"]()  # 80 x 120 pixels, one slice, no spacing
LENGTH = {
    "id": "a",
    "kind": "length",
    "slice": 0,
    "points": [[10, 20], [40, 60]],
    "values": {"length": 50.0, "unit": "px"},
    "text": "50.0 px",
}
BOX = {
    "id": "b",
    "kind": "rectangle",
    "slice": 0,
    "points": [[1.5, 1.5], [4.5, 1.5], [1.5, 3.5], [4.5, 3.5]],
    "values": {"n": 6, "mean": 5, "sd": 2.5, "min": 1, "max": 9, "area": 6, "unit": "px²", "peak": None},
    "text": "6.0 px², mean 5 ± 2.50, min 1  max 9",
}


def changed(one: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return copy.deepcopy(one) | fields


def test_what_was_drawn_is_kept_and_drawn_again_as_it_was() -> None:
    kept = measures.cleaned([LENGTH, BOX], SERIES)
    assert kept[0] == LENGTH
    assert {k: v for k, v in kept[1].items() if k != "values"} == {k: v for k, v in BOX.items() if k != "values"}
    assert measures.cleaned(json.loads(json.dumps(kept)), SERIES) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "text",
        [],
        {},
        changed(LENGTH, kind="cobb"),
        changed(LENGTH, kind=["length"]),
        changed(LENGTH, slice=1),
        changed(LENGTH, slice=-1),
        changed(LENGTH, slice=math.inf),
        changed(LENGTH, slice="0"),
        changed(LENGTH, points=[[10, 20]]),
        changed(LENGTH, points=[[10, 20], [math.nan, 1]]),
        changed(LENGTH, points=[[10, 20], [1e7, 1]]),
        changed(LENGTH, points=[[10, 20], [1, 2, 3]]),
        changed(LENGTH, points={"a": 1}),
        changed(LENGTH, points=[["<b>", 1], [2, 3]]),
        changed(LENGTH, values={"length": math.inf, "unit": "px"}),
        changed(LENGTH, values={"length": "50", "unit": "px"}),
        changed(LENGTH, values={"length": 50, "unit": "km"}),
        changed(LENGTH, values={}),
        changed(LENGTH, values=None),
        changed(LENGTH, text=["a"]),
        changed(LENGTH, kind="angle"),
        changed(BOX, values=BOX["values"] | {"mean": None}),  # type: ignore[operator]
        changed(BOX, values=BOX["values"] | {"n": 9601}),  # type: ignore[operator]
        changed(BOX, values=BOX["values"] | {"n": -1}),  # type: ignore[operator]
        changed(BOX, values=BOX["values"] | {"peak": 3}),  # type: ignore[operator]
    ],
)
def test_what_is_no_measurement_of_this_series_is_left_out(wrong: Any) -> None:
    assert measures.cleaned([wrong, LENGTH], SERIES) == [LENGTH]


def test_neither_their_number_nor_their_length_is_without_an_end() -> None:
    assert measures.cleaned("x" * 10, SERIES) == []
    assert len(measures.cleaned([LENGTH] * 5000, SERIES)) == 100
    line = changed(BOX, kind="freehand", points=[[1, 2]] * 15_000)
    kept = measures.cleaned([line, line, LENGTH], SERIES)
    assert [len(one["points"]) for one in kept] == [15_000, 2]
    (long,) = measures.cleaned([changed(LENGTH, text="a\n\x00" * 500, id="i" * 500, more="x")], SERIES)
    assert long.keys() == LENGTH.keys()
    assert len(long["text"]) <= 200
    assert long["text"].isprintable()
    assert len(long["id"]) == 200


def test_reports_take_its_numbers_with_their_units() -> None:
    drawn = measures.parts(measures.cleaned([LENGTH, BOX], SERIES), SERIES)
    assert [(one.kind, one.slice) for one in drawn] == [("length", 1), ("rectangle", 1)]
    assert drawn[0].points == ((10, 20), (40, 60))
    assert [(q.name, q.value, q.unit) for q in drawn[0].quantities] == [("length", 50, "px")]
    assert {q.name: q.value for q in drawn[1].quantities} == {
        "area": 6,
        "pixels": 6,
        "mean": 5,
        "standard deviation": 2.5,
        "minimum": 1,
        "maximum": 9,
    }


def test_the_peak_says_where_it_was_looked_for() -> None:
    for in_plane, name in ((True, "SUVpeak in the plane"), (False, "SUVpeak")):
        values = BOX["values"] | {"peak": {"value": 7.25, "inPlane": in_plane}}  # type: ignore[operator]
        (one,) = measures.parts(measures.cleaned([changed(BOX, values=values)], SERIES), SERIES)
        assert [(q.name, q.value) for q in one.quantities][-1] == (name, 7.25)


def test_a_region_without_a_pixel_has_an_area_alone() -> None:
    values = {"n": 0, "area": 0.25, "unit": "px²"}
    (one,) = measures.parts(measures.cleaned([changed(BOX, values=values)], SERIES), SERIES)
    assert [(q.name, q.value) for q in one.quantities] == [("area", 0.25), ("pixels", 0)]


def test_what_cannot_be_kept_is_said_and_goes_with_the_next_change() -> None:
    study = Study("photo", SourceKind.RASTER, (SERIES,), "0" * 64)
    full = StoreError("The disk is full: nothing was written.", "Make room.")
    kept: list[tuple[str, list[dict[str, Any]] | None]] = []

    def keep(series: str, found: list[dict[str, Any]]) -> None:
        if not kept:
            kept.append((series, None))
            raise full
        kept.append((series, found))

    case = OpenCase(study, Match(None, 0, "", True), None, 0, keep=keep)
    case.measure(SERIES.key, [LENGTH])
    assert case.unkept is full
    assert case.measured == [LENGTH]  # it stays on the screen
    case.measure(SERIES.key, [LENGTH])  # told again, it is tried again
    assert case.unkept is None
    assert kept[-1] == (SERIES.key, [LENGTH])
    count = len(kept)
    case.measure(SERIES.key, [LENGTH])
    assert len(kept) == count  # nothing new
