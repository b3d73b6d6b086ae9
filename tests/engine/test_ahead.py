"""Images looked at together get the answers that each gets alone; one near a threshold is asked alone, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.engine.ahead import NEAR
from core.engine.engine import Engine
from core.engine.results import Review
from core.imaging.study import Study
from core.weights.folder import CARD, load_card
from tests.engine.installed import install, scan, study
from tests.engine.router_files import write_router

MODELS = {"resnet50": "resnet18", "unet": "resunet"}
IMAGES = 5


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    install(tmp_path, "brain-mr", "resnet50", "resnet18", test_time_flips=("horizontal",))
    install(tmp_path, "brain-mr", "unet", "resunet", role="segmenter")
    write_router(tmp_path, threshold=1e6)
    return tmp_path


def single(count: int = IMAGES) -> list[Study]:
    return [study(scan(1, seed)) for seed in range(count)]


def reviews(weights: Path, studies: Sequence[Study], *, together: bool) -> tuple[list[Review], Engine]:
    engine = Engine(weights)
    if together:
        engine.foresee([(one, 0) for one in studies], "brain-mr")
    return [engine.review(one, "brain-mr") for one in studies], engine


def foreseen(engine: Engine, model: str = "resnet50") -> int:
    held = engine.loaded("brain-mr", model).net.foreseen
    return 0 if held is None else len(held)


def test_together_or_alone_the_answers_are_the_same(weights: Path) -> None:
    studies = single()
    engine = Engine(weights)
    engine.foresee([(one, 0) for one in studies], "brain-mr")
    assert foreseen(engine) == IMAGES, "else nothing is tested here"
    assert foreseen(engine, "unet") == 0, "an outline's heat map needs a pass of its own"
    together = [engine.review(one, "brain-mr") for one in studies]
    assert foreseen(engine) == 0, "each was taken, once"
    alone, _ = reviews(weights, studies, together=False)
    for one, other in zip(together, alone, strict=True):
        assert one.gate is not None
        assert other.gate is not None
        assert one.gate.kind == other.gate.kind
        assert one.gate.state == other.gate.state
        assert one.gate.strange == pytest.approx(other.gate.strange, abs=1e-5)
        for mine, its in zip(one.ready, other.ready, strict=True):
            assert mine.finding == pytest.approx(its.finding, abs=1e-5)
            assert mine.decision(0) is its.decision(0)
    apart = {float(r.finding[0]) for one in alone for r in one.ready[:1] if r.finding is not None}
    assert len(apart) == IMAGES, "an image that was given another's answer would be noticed"


@pytest.mark.parametrize("by", [0.0, NEAR / 2, -NEAR / 2])
def test_an_image_near_the_threshold_is_asked_alone(weights: Path, by: float) -> None:
    studies = single()
    (before, *_), _ = reviews(weights, studies, together=False)
    answer = next(r for r in before.ready if r.state.name == "resnet50")
    assert answer.finding is not None
    folder = weights / "brain-mr" / "resnet50"
    card = load_card(folder)
    near = card.threshold.model_copy(update={"value": float(answer.finding[0]) + by})
    card.model_copy(update={"threshold": near}).save(folder / CARD)
    engine = Engine(weights)
    engine.foresee([(one, 0) for one in studies], "brain-mr")
    assert foreseen(engine) == IMAGES - 1
    found = next(r for r in engine.review(studies[0], "brain-mr").ready if r.state.name == "resnet50")
    assert found.finding is not None
    assert np.array_equal(found.finding, answer.finding), "bit for bit"


def test_an_image_near_the_gates_limit_is_judged_alone(weights: Path) -> None:
    studies = single()
    router = Engine(weights)._gate.router()
    assert router is not None
    router.foresee([one.series[0] for one in studies])
    assert len(router._foreseen) == IMAGES
    alone = router.answer(studies[0].series[0]).strange["brain-mr"]
    limit = router.card.systems["brain-mr"]
    at = limit.threshold + alone * limit.spread
    card = router.card.model_copy(
        update={"systems": router.card.systems | {"brain-mr": limit.model_copy(update={"threshold": at})}}
    )
    card.save(weights / "router" / CARD)
    other = Engine(weights)._gate.router()
    assert other is not None
    other.foresee([one.series[0] for one in studies])
    assert not other._foreseen, "this router finds all images alike"


def test_what_does_not_fit_or_holds_no_numbers_is_left_to_its_own_review(weights: Path) -> None:
    spoilt = scan(1, 9)
    spoilt.pixels[0, 3, 3] = np.nan
    studies = [*single(2), study(spoilt), study(scan(3, 4)), study(scan(1, 5, projection="mip-coronal"))]
    together, engine = reviews(weights, studies, together=True)
    assert foreseen(engine) == 0
    alone, _ = reviews(weights, studies, together=False)
    for one, other in zip(together, alone, strict=True):
        assert [r.state.status for r in one.results] == [r.state.status for r in other.results]
        for mine, its in zip(one.ready, other.ready, strict=True):
            assert mine.finding == pytest.approx(its.finding, abs=1e-5, nan_ok=True)


def test_what_was_foreseen_serves_no_pass_with_gradients(weights: Path) -> None:
    engine = Engine(weights)
    engine.foresee([(one, 0) for one in single()], "brain-mr")
    net = engine.loaded("brain-mr", "resnet50").net
    assert net.foreseen is not None
    x = net.foreseen._held[0][0]
    net.requires_grad_(True)
    assert net.run(x).logits.requires_grad
    assert len(net.foreseen) == IMAGES


def test_in_another_order_and_past_those_nobody_asked_for(weights: Path) -> None:
    """What a stopped run left behind is in nobody's way."""
    studies = single()
    engine = Engine(weights)
    engine.foresee([(one, 0) for one in studies], "brain-mr")
    backwards = [engine.review(one, "brain-mr") for one in reversed(studies[1:])]
    assert foreseen(engine) == 1
    alone, _ = reviews(weights, studies, together=False)
    for one, other in zip(backwards, reversed(alone[1:]), strict=True):
        assert [r.state.status for r in one.results] == [r.state.status for r in other.results]
        for mine, its in zip(one.ready, other.ready, strict=True):
            assert mine.finding == pytest.approx(its.finding, abs=1e-5)
