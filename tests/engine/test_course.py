"""Answers that come one by one: the slice in view first, outwards from it, and in the end the very same review."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine import agreement
from core.engine.engine import Engine
from core.engine.mask_gate import mask_gated
from core.engine.predict import masks_from, predict_series
from core.engine.results import ModelResult, Review
from core.imaging.study import Modality
from core.line import Line
from core.models.net import OverreadNet
from core.models.program import Pass
from core.systems import system
from core.weights import predictions
from core.weights.answers import finding_probability, probabilities
from tests.engine.installed import install, scan, study


def one_after_the_other(engine: Engine, stack: np.ndarray) -> dict[str, ModelResult]:
    """The review as it is without a course: each model over the whole series, all at once."""
    series = scan(len(stack), seed=3)
    found = {}
    for state in engine.states("brain-mr"):
        loaded = engine.loaded("brain-mr", state.name)
        said = predict_series(loaded.net, loaded.card, series)
        calibrated = probabilities(said.logits, loaded.card.temperature)
        assert said.mask_probability is not None or state.role == "classifier"
        found[state.name] = ModelResult(
            state,
            probabilities(said.logits),
            calibrated,
            finding_probability(calibrated, loaded.card),
            None if said.mask_probability is None else masks_from(loaded.card, said.mask_probability),
            mask_probability=said.mask_probability,
        )
    return {name: mask_gated(one, found) for name, one in found.items()}


@pytest.mark.parametrize("first", [0, 2, 4])
def test_whatever_is_asked_first_the_review_is_the_same(engine: Engine, first: int) -> None:
    series = scan(5, seed=3)
    wanted = one_after_the_other(engine, series.pixels)
    review = engine.course(study(series), "brain-mr", first=first).run()
    assert review.complete
    for found in review.results:
        for name in ("raw", "calibrated", "finding", "mask", "mask_probability", "gated"):
            mine, its = getattr(found, name), getattr(wanted[found.state.name], name)
            assert (mine is None) == (its is None), name
            if mine is not None:
                assert mine.dtype == its.dtype
                np.testing.assert_array_equal(mine, its)
    heard = [found.finding for name, found in wanted.items() if name in review.heard and found.finding is not None]
    assert review.peak == int(np.argmax(np.mean(heard, axis=0)))


def told(engine: Engine, slices: int, first: int, at: Callable[[int], None] = lambda _: None) -> list[tuple[str, int]]:
    """Models and slices in the order in which they were answered."""
    course = engine.course(study(scan(slices)), "brain-mr", first=first)
    order: list[tuple[str, int]] = []
    before: set[tuple[str, int]] = set()

    def look(*_: object) -> None:
        nonlocal before
        so_far = course.so_far()
        assert so_far is not None
        now = {
            (r.state.name, i) for r in so_far.results if r.finding is not None for i in range(slices) if not r.waits(i)
        }
        order.extend(now - before)
        before = now
        at(len(order))

    course.run(progress=look)
    return order


def test_the_slice_in_view_comes_first_from_every_model_then_its_neighbours(engine: Engine) -> None:
    order = told(engine, 5, first=3)
    models = [s.name for s in engine.states("brain-mr")]
    assert order == [(model, index) for index in (3, 4, 2, 1, 0) for model in models]


def test_a_reader_who_moves_on_is_followed(engine: Engine) -> None:
    course = engine.course(study(scan(8)), "brain-mr", first=0)
    order: list[int] = []

    def look(*_: object) -> None:
        so_far = course.so_far()
        assert so_far is not None
        order.append(sum(not so_far.results[0].waits(i) for i in range(8)))
        if len(order) == 4:
            course.look(6)
        if len(order) == 8:
            assert [i for i in range(8) if not so_far.results[2].waits(i)] == [0, 6]

    course.run(progress=look)
    assert len(order) == 32


def test_what_waits_is_no_failure_and_gives_no_vote(engine: Engine) -> None:
    course = engine.course(study(scan(3)), "brain-mr", first=1)
    assert course.so_far() is None
    seen: list[Review] = []

    def look(*_: object) -> None:
        so_far = course.so_far()
        assert so_far is not None
        seen.append(so_far)

    whole = course.run(progress=look)
    first = seen[0]
    assert not first.complete
    assert [len(first.votes[i].counted) for i in range(3)] == [0, 1, 0]
    assert not any(voice.failed for vote in first.votes for voice in vote.voters)
    assert [w.kind for w in first.warnings] == [w.kind for w in whole.warnings]
    assert first.results[0].decision(0) is None
    assert not first.results[0].failed(0)
    assert all(agreement.two_stage(one, i) is None for one in seen[:3] for i in (0, 2))
    for one in seen:
        for partial, final in zip(one.results, whole.results, strict=True):
            if partial.finding is not None and final.finding is not None:
                here = ~np.isnan(partial.finding)
                np.testing.assert_array_equal(partial.finding[here], final.finding[here])
    last = seen[-1]
    assert last.complete
    np.testing.assert_array_equal(last.results[0].finding, whole.results[0].finding)  # type: ignore[arg-type]


def test_a_mask_whose_gate_is_still_to_be_asked_is_not_shown(engine: Engine) -> None:
    course = engine.course(study(scan(2)), "brain-mr", first=0)

    def look(title: str, _: float) -> None:
        so_far = course.so_far()
        assert so_far is not None
        by_name = {r.state.name: r for r in so_far.results}
        gate, drawn = by_name["resnet50"], by_name["resunet"]
        for index in range(2):
            if drawn.mask is not None and (gate.finding is None or gate.waits(index)):
                assert not drawn.mask[index].any()
                assert drawn.gated is None or not drawn.gated[index]

    course.run(progress=look)


def test_the_gate_is_asked_before_any_model_and_holds_back(engine: Engine) -> None:
    course = engine.course(study(scan(2, modality=Modality.CT, body_part="CHEST")), "brain-mr")
    told: list[bool] = []

    def look(*_: object) -> None:
        so_far = course.so_far()
        assert so_far is not None
        shown = so_far.shown(overruled=False)
        told.append(shown.held_back and not shown.ready)

    review = course.run(progress=look)
    assert told == [True] * 8
    assert review.shown(overruled=False).held_back
    assert len(review.shown(overruled=True).ready) == 4


def test_a_stopped_review_keeps_what_was_said_and_goes_on(engine: Engine) -> None:
    course = engine.course(study(scan(3, seed=3)), "brain-mr", first=2)
    with pytest.raises(InterruptedError):
        course.run(stop=lambda: course.done >= 4)
    assert course.done == 4
    so_far = course.so_far()
    assert so_far is not None
    assert [r.waits(2) for r in so_far.results] == [False] * 4
    review = course.run()
    assert course.fraction == 1.0
    straight = engine.review(study(scan(3, seed=3)), "brain-mr")
    for a, b in zip(review.results, straight.results, strict=True):
        np.testing.assert_array_equal(a.finding, b.finding)  # type: ignore[arg-type]


class Program:
    """Stands in for a compiled program: notes whether another one was at work with it, for which it waits a while."""

    def __init__(self, net: OverreadNet, meeting: threading.Barrier, met: list[bool]) -> None:
        self._net, self._meeting, self._met = net, meeting, met

    def __call__(self, x: torch.Tensor) -> Pass:
        alone = len(self._met) < 4  # of four models, the slice in view
        try:
            self._meeting.wait(timeout=0.2 if alone else 60)
            self._met.append(True)
        except threading.BrokenBarrierError:
            self._meeting.reset()
            self._met.append(False)
        stages = self._net.feature_stages(x)
        return self._net.output_from_stages(stages), stages


def test_compiled_models_are_asked_two_at_a_time_but_for_the_slice_in_view(engine: Engine) -> None:
    stack = scan(3, seed=3)
    wanted = engine.review(study(stack), "brain-mr")
    nets = [engine.loaded("brain-mr", state.name).net for state in engine.states("brain-mr")]
    meeting, met = threading.Barrier(2), list[bool]()
    heard: list[tuple[str, float]] = []
    try:
        for net in nets:
            net.program = Program(net, meeting, met)  # type: ignore[assignment]
        found = engine.course(study(stack), "brain-mr", first=1).run(progress=lambda *told: heard.append(told))
    finally:
        for net in nets:
            net.program = None
    assert len(nets) == 4
    assert met == [False] * 4 + [True] * 8
    assert [title for title, _ in heard] == [state.title for state in engine.states("brain-mr")] * 3
    for one, other in zip(found.results, wanted.results, strict=True):
        np.testing.assert_allclose(one.finding, other.finding, atol=1e-6)  # type: ignore[arg-type]


def test_a_model_that_does_not_fit_ends_with_its_reason_and_holds_nobody_up(brain: Path, tmp_path: Path) -> None:
    weights = Path(shutil.copytree(brain, tmp_path / "w"))
    install(weights, "brain-mr", "unet", "resunet", contract={"projection": "mip-coronal"}, role="segmenter")
    course = Engine(weights).course(study(scan(4)), "brain-mr", first=1)
    review = course.run()
    assert [r.finding is None for r in review.results] == [True, False, False, False]
    assert "projection" in review.results[0].state.reason
    assert (course.done, course.wanted) == (12, 12)


def test_a_line_lets_so_many_in_and_the_others_in_their_order() -> None:
    line = Line(1)
    with line.join():
        second, third = line.join(), line.join()
        assert (second.ahead, third.ahead) == (1, 2)
        assert not second.wait(0.0)
    assert second.wait(0.0)
    assert third.ahead == 1
    line.leave(second)
    assert third.wait(0.0)


def test_who_waits_for_a_turn_still_gets_the_slice_in_view(brain: Path) -> None:
    engine = Engine(brain)
    first, second = engine.line.join(), engine.line.join()  # all turns are taken
    course = engine.course(study(scan(4)), "brain-mr", first=1)
    thread = threading.Thread(target=course.run)
    thread.start()
    try:
        assert until(lambda: course.done == 4)
        assert course.ahead == 1
        assert course.seconds_left is None
        course.look(3)
        assert until(lambda: course.done == 8)
    finally:
        engine.line.leave(first)
        engine.line.leave(second)
        thread.join(30)
    assert course.fraction == 1.0


def until(there: Callable[[], bool]) -> bool:
    """Whether something comes about within half a minute."""
    clock = threading.Event()
    return any(there() or clock.wait(0.02) for _ in range(1500))


@pytest.mark.parametrize("shown", [False, True])
def test_stored_predictions_are_read_behind_the_first_answers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    """And only where somebody looks, or asks for a mean."""
    read: list[tuple[str, ...]] = []

    def stored(_: Path, models: tuple[str, ...]) -> dict[str, predictions.Evidence]:
        assert course.done == len(system("brain-mr").models) or not shown
        read.append(models)
        return {}

    monkeypatch.setattr(predictions, "stored", stored)
    course = engine.course(study(scan(1)), "brain-mr")
    with pytest.raises(InterruptedError):
        course.run(stop=lambda: course.done >= 1, shown=shown)
    one = course.so_far()
    assert one is not None
    assert len(one.ready) == 1
    assert (one.ensemble, one.triage(0)) == (None, {})
    whole = course.run(shown=shown)
    assert len(read) == shown
    assert whole.ensemble is None
    assert read == [tuple(slot.name for slot in system("brain-mr").models)]
