"""Reviews in the background: shared by sessions, stopped on request, and when nobody is left who waits for them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from core import systems
from core.engine.engine import Engine
from core.engine.results import Review
from core.engine.shared_runs import SharedRuns
from core.errors import EngineBusyError
from core.imaging.study import Study
from core.memory import GiveWay
from core.simulate.samples import load_sample
from dashboard.kit import jobs, words
from dashboard.kit.cases import OpenCase


class Endless:
    """Stands in for a review whose models never come to an end."""

    done, fraction, ahead, seconds_left = 0, 0.0, 0, None

    def __init__(self) -> None:
        self.looked: list[int] = []
        self.ended = threading.Event()

    def look(self, index: int) -> None:
        self.looked.append(index)

    def seen(self) -> None:
        """Nothing was put off."""

    def so_far(self) -> None:
        return None

    def run(self, *, stop: Callable[[], bool] | None = None, shown: bool = False) -> Review:
        while stop is None or not stop():
            self.ended.wait(0.01)
        self.ended.set()
        raise InterruptedError


class Full(Endless):
    """Stands in for a review that finds the queue full."""

    def run(self, *, stop: Callable[[], bool] | None = None, shown: bool = False) -> Review:
        raise EngineBusyError("All places are taken.", "Wait.")


class House:
    """Stands in for the engine.

    Args:
        kind: what every review of it is.
    """

    def __init__(self, kind: type[Endless]) -> None:
        self.kind = kind
        self.asked: list[Endless] = []
        self.weights = "w1"
        self.runs = SharedRuns(self)

    def course(
        self,
        study: Study,
        system_name: str,
        series_index: int = 0,
        *,
        first: int = 0,
        give_way: GiveWay | None = None,
    ) -> Endless:
        self.asked.append(self.kind())
        return self.asked[-1]

    def fingerprint(self, system_name: str) -> str:
        return self.weights


def _case() -> OpenCase:
    study = load_sample("brain-mr-04")
    match = systems.match(study)
    return OpenCase(study=study, match=match, system=match.system, series_index=match.series_index)


def test_stopping_ends_the_review_at_once_without_an_answer_or_an_error() -> None:
    case, house = _case(), House(Endless)
    watch = jobs.ensure(case, cast(Engine, house))
    assert watch is not None
    assert watch.running
    assert jobs.ensure(case, cast(Engine, house)) is watch
    watch.stop()
    assert not watch.running
    assert (watch.result, watch.error) == (None, None)
    assert house.asked[0].ended.wait(5)
    assert "Stopped" in jobs.said(case, watch)
    jobs.again(case, watch)
    assert watch.running
    watch.stop()


def test_two_sessions_share_one_run_and_one_of_them_does_not_end_it_for_the_other() -> None:
    house, mine, other = House(Endless), _case(), _case()
    here, there = (jobs.ensure(case, cast(Engine, house)) for case in (mine, other))
    assert here is not None
    assert there is not None
    assert len(house.asked) == 1
    here.stop()
    assert not here.running
    assert there.running
    assert not house.asked[0].ended.wait(0.1)
    there.stop()
    assert house.asked[0].ended.wait(5)


def test_many_who_wait_look_less_often_and_those_who_left_do_not_count() -> None:
    house, one = cast(Engine, House(Endless)), _case()
    cases = [OpenCase(one.study, one.match, one.system, one.series_index) for _ in range(30)]
    assert jobs.pace(house) == jobs.POLL
    watches = [jobs.ensure(case, house) for case in cases]
    assert jobs.pace(house) == pytest.approx(30 * jobs.EACH)
    for watch in watches[5:]:
        assert watch is not None
        watch.stop()
    assert jobs.pace(house) == jobs.POLL
    for watch in watches[:5]:
        assert watch is not None
        watch.stop()
        last = watch
    last.join(5)
    assert house.runs.waiting == 0


def test_other_images_systems_or_weights_are_another_run() -> None:
    house, cases = House(Endless), [_case() for _ in range(4)]
    cases[1].study = replace(cases[1].study, sha256="f" * 64)
    cases[2].system = "chest-ct"
    for case in cases[:3]:
        jobs.ensure(case, cast(Engine, house))
    house.weights = "w2"
    jobs.ensure(cases[3], cast(Engine, house))
    assert len(house.asked) == 4
    for case in cases:
        for watch in case.jobs.values():
            watch.stop()


def test_the_models_are_told_which_slice_the_reader_looks_at() -> None:
    case, house = _case(), House(Endless)
    case.study = load_sample("mr-pet-04")
    watch = jobs.ensure(case, cast(Engine, house))
    assert watch is not None
    case.chosen_slices[case.series_index] = 3
    jobs.ensure(case, cast(Engine, house))
    assert house.asked[0].looked[0] == 11  # the middle one of 22
    assert house.asked[0].looked[-1] == 3
    watch.stop()


def test_the_first_answer_is_waited_for_where_its_place_stands_already(monkeypatch: pytest.MonkeyPatch) -> None:
    case, house = _case(), House(Endless)
    watch = jobs.ensure(case, cast(Engine, house))
    assert watch is not None
    course = house.asked[0]
    monkeypatch.setattr(jobs, "POLL", 1e6)  # who waits, waits for the answer
    jobs.first(watch)  # comes back: the places are to be drawn
    assert course.done == 0
    threading.Timer(0.05, lambda: setattr(course, "done", 1)).start()
    jobs.first(watch)
    assert course.done == 1, "what is drawn next has the answer"
    jobs.first(watch)  # comes back: there is one
    course.done = 0
    watch.stop()
    jobs.first(watch)  # comes back: nothing runs


@pytest.mark.parametrize("slices", [1, 4])
def test_the_first_answer_of_one_that_has_just_begun_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    case, house = _case(), House(Endless)
    series = case.study.series[case.series_index]
    cut = replace(series, pixels=np.repeat(series.pixels[:1], slices, axis=0), truth=None)
    case.study = replace(case.study, series=(cut,))
    watch = jobs.ensure(case, cast(Engine, house))
    assert watch is not None
    assert case.series.slices == slices
    monkeypatch.setattr(jobs, "FIRST", 1e6)  # who waits, waits for the answer
    course = house.asked[0]
    threading.Timer(0.5, lambda: setattr(course, "done", 1)).start()
    assert not jobs.soon(case), "its end has not come"
    assert course.done == 1
    monkeypatch.setattr(jobs, "FIRST", 0.0)
    course.done = 0
    assert not jobs.soon(case), "one that takes long is not waited for"
    watch.stop()
    assert not jobs.soon(case) or slices == 1


def test_a_review_ends_when_its_session_is_gone() -> None:
    case, house = _case(), House(Endless)
    jobs.ensure(case, cast(Engine, house))
    del case
    gc.collect()
    assert house.asked[0].ended.wait(5)


def test_a_full_queue_is_told_with_its_remedy_and_tried_again() -> None:
    case, house = _case(), House(Full)
    watch = jobs.ensure(case, cast(Engine, house))
    assert watch is not None
    assert isinstance(watch.error, EngineBusyError)
    assert watch.error.remedy == "Wait."
    jobs.again(case, watch)
    house.kind = Endless
    second = jobs.ensure(case, cast(Engine, house))
    assert second is not None
    assert second is not watch
    assert second.running
    second.stop()


def test_time_left_is_told_in_the_unit_that_one_waits_in() -> None:
    told = [words.left(value) for value in (0.2, 89.4, 90, 3892.4, 5399, 6480)]
    assert told == ["1 s left", "89 s left", "2 min left", "65 min left", "1.5 h left", "1.8 h left"]
