"""What the models will draw is taken out of memory before anything is asked, and counted until it is gone."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from core import memory
from core.engine.engine import Engine
from core.engine.shared_runs import SharedRuns
from core.errors import LimitExceededError, MemoryFullError
from tests.engine.installed import scan, study

SLICES, HEIGHT, WIDTH = 3, 80, 100
PIXELS = SLICES * HEIGHT * WIDTH
# Two segmenters, each with a probability of two bytes and a yes or no of one; both are withheld where a classifier says
# "clear", so that each has a copy of its masks with nothing on such slices.
MASKS = 2 * 2 * (2 + 1) * PIXELS


def account(monkeypatch: pytest.MonkeyPatch, most: int) -> memory.Memory:
    held = memory.Memory(lambda: most)
    monkeypatch.setattr(memory, "of_process", lambda: held)
    return held


def test_masks_are_counted_from_before_the_first_answer_until_they_are_gone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = account(monkeypatch, MASKS)
    course = engine.course(study(scan(SLICES)), "brain-mr")
    assert (course.refused, held.held, course.done) == (None, MASKS, 0)
    review = course.run()
    assert held.held == MASKS
    drawn = sum(r.mask.nbytes + r.mask_probability.nbytes for r in review.results if r.mask is not None)  # type: ignore[union-attr]
    assert drawn * 2 == MASKS
    del course, review
    gc.collect()
    assert held.held == 0


def test_without_room_nothing_is_asked_and_nothing_is_held(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = account(monkeypatch, MASKS)
    others = held.lease(1000)
    course = engine.course(study(scan(SLICES)), "brain-mr")
    assert isinstance(course.refused, MemoryFullError)
    with pytest.raises(MemoryFullError, match="OVERREAD_TOTAL_MEMORY_MIB"):
        course.run()
    assert (held.held, course.done, course.so_far()) == (1000, 0, None)
    others.release()
    assert engine.course(study(scan(SLICES)), "brain-mr").refused is None


def test_what_never_fits_is_told_apart_from_what_does_not_fit_now(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(monkeypatch, MASKS // 4)
    refused = engine.course(study(scan(SLICES)), "brain-mr").refused
    assert isinstance(refused, LimitExceededError)
    assert not isinstance(refused, MemoryFullError)


def test_who_asks_gives_way_with_his_own_older_things(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = account(monkeypatch, MASKS + 100)
    mine = [held.lease(400)]

    def oldest() -> bool:
        for lease in mine:
            lease.release()
        return bool(mine) and mine.pop() is not None

    assert engine.course(study(scan(SLICES)), "brain-mr", give_way=oldest).refused is None
    assert not mine


def test_a_session_is_told_and_may_try_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = account(monkeypatch, MASKS)
    others = held.lease(1000)
    runs = SharedRuns(engine)
    case = study(scan(SLICES))
    watch = runs.watch(case, "brain-mr", 0, first=0)
    watch.join(30)
    assert isinstance(watch.error, MemoryFullError)
    others.release()
    again = runs.watch(case, "brain-mr", 0, first=0)
    again.join(30)
    assert again.result is not None
    assert again.result.complete


def test_a_scan_is_gone_although_a_model_was_missing_when_it_was_read(tmp_path: Path) -> None:
    engine = Engine(tmp_path)  # no weights, no router: why is kept, and nothing of the scan with it
    course = engine.course(study(scan(2)), "brain-mr")
    course.run()
    pixels = weakref.ref(course._series.pixels)
    del course
    gc.collect()
    assert pixels() is None
    assert all(state.reason for state in engine.states("brain-mr"))
